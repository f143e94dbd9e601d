// A layer over a picture: how strongly it covers, what is shown at all, and which of the framed
// places is looked at. The list of places is the way by keyboard; a frame is a shorter one by hand.
"use strict";

function cover(slider) {
  const layer = document.getElementById(slider.dataset.opacityOf);
  if (layer) layer.style.opacity = slider.value / 100;
}

function frameOf(place) {
  return document.querySelector(`[data-region="${place.id}"]`);
}

document.addEventListener("input", (event) => {
  const control = event.target;
  if (control.dataset.opacityOf) cover(control);
  if (control.dataset.shows) {
    document.getElementById(control.dataset.shows).toggleAttribute("hidden", !control.checked);
  }
});

document.addEventListener("click", (event) => {
  const frame = event.target.closest("[data-region]");
  if (!frame) return;
  const place = document.getElementById(frame.dataset.region);
  place.open = true;
  place.scrollIntoView({ block: "nearest" });
});

// A toggle does not bubble, so it is caught on its way down.
document.addEventListener("toggle", (event) => {
  if (event.target.matches("details.place")) {
    frameOf(event.target)?.classList.toggle("chosen", event.target.open);
  }
}, true);

document.addEventListener("htmx:load", (event) => {
  for (const slider of event.detail.elt.querySelectorAll("[data-opacity-of]")) cover(slider);
});
document.addEventListener("DOMContentLoaded", () => {
  for (const slider of document.querySelectorAll("[data-opacity-of]")) cover(slider);
});
