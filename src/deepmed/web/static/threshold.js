// The slider and the number are one value; a little after it rests, the preview is asked for.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const slider = document.getElementById("slider");
  const number = document.getElementById("percentile");
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
