// A layer over a picture: how strongly it covers, and what is shown at all.
"use strict";

function cover(slider) {
  const layer = document.getElementById(slider.dataset.opacityOf);
  if (layer) layer.style.opacity = slider.value / 100;
}

document.addEventListener("input", (event) => {
  const control = event.target;
  if (control.dataset.opacityOf) cover(control);
  if (control.dataset.shows) {
    document.getElementById(control.dataset.shows).toggleAttribute("hidden", !control.checked);
  }
});

document.addEventListener("htmx:load", (event) => {
  for (const slider of event.detail.elt.querySelectorAll("[data-opacity-of]")) cover(slider);
});
document.addEventListener("DOMContentLoaded", () => {
  for (const slider of document.querySelectorAll("[data-opacity-of]")) cover(slider);
});
