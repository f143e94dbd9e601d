// What a page does that markup cannot: times in the reader's zone, and errors as sentences.
"use strict";

function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.getTime())) {
      time.textContent = moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    }
  }
}

function say(text, bad) {
  const note = document.createElement("p");
  note.className = bad ? "note bad" : "note";
  note.textContent = text;
  document.getElementById("messages").replaceChildren(note);
}

function reason(answer) {
  try {
    const body = JSON.parse(answer);
    if (typeof body.detail === "string") return body.detail;
    if (Array.isArray(body.detail)) return body.detail.map((each) => each.msg).join("; ");
    return body.title || body.error || "";
  } catch {
    return "";
  }
}

// A folded part of the navigation lies over the page, so it closes where somebody goes on.
function closeMenus(event) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
}

function escapeMenu(event) {
  const menu = event.key === "Escape" && event.target.closest("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
}

document.addEventListener("click", closeMenus);
document.addEventListener("focusin", closeMenus);
document.addEventListener("keydown", escapeMenu);
document.addEventListener("DOMContentLoaded", () => localTimes(document));
document.addEventListener("htmx:load", (event) => localTimes(event.detail.elt));
document.addEventListener("htmx:responseError", (event) => {
  const answer = event.detail.xhr;
  say(reason(answer.responseText) || `The server refused this (${answer.status}). Nothing was changed.`, true);
});
document.addEventListener("htmx:sendError", () => {
  say("The server does not answer. See that `deepmed serve` runs, then try again.", true);
});
window.deepmed = { localTimes, reason, say };
