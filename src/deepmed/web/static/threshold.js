// The slider and the number that its `data-number` names are one value; a little after it rests, the preview is asked for.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const slider = document.getElementById("slider");
  if (!slider) return;
  const number = document.getElementById(slider.dataset.number);
  let timer = 0;
  const look = () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => number.validity.valid && htmx.trigger(number, "look"), 120);
  };
  slider.addEventListener("input", () => {
    number.value = slider.value;
    look();
  });
  number.addEventListener("input", () => {
    slider.value = number.value;
    look();
  });
});
