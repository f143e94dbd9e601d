// Forms that speak to the interface for programs, so that pages and programs share one way of
// changing things: `data-send="PATCH /api/v1/…"` sends the fields as JSON, `data-then` is where to
// go afterwards ({name} is filled from the answer). One with `data-changed`
// sends only what is another than before, one with `data-download` fetches the file whose address
// the answer has under that name, or whose address is filled from the answer. A form with `data-confirm` waits until the words were typed. A
// name with a dot goes into an object; of several buttons the one that was pressed is sent. With
// `data-query` the fields go into the address, with `data-files` they go as a form with its files,
// and `data-tell` names the part of the answer that is told afterwards. No control may be named
// `dataset`: it would stand in for the form's own data.
"use strict";

const NEWS = "deepmed-news";

function valueOf(control) {
  if (control.type === "checkbox") return control.checked;
  const text = control.value.trim();
  if (text === "") return null;
  if (control.dataset.type === "boolean") return text === "true";
  return control.dataset.type === "number" ? Number(text) : text;
}

function isAsBefore(control) {
  if (control.type === "checkbox") return control.checked === control.defaultChecked;
  if (control.options) {
    const chosen = [...control.options].findIndex((option) => option.defaultSelected);
    return control.selectedIndex === Math.max(0, chosen);
  }
  return control.value === control.defaultValue;
}

function put(fields, name, value) {
  const dot = name.indexOf(".");
  if (dot < 0) fields[name] = value;
  else fields[name.slice(0, dot)] = { ...fields[name.slice(0, dot)], [name.slice(dot + 1)]: value };
}

function fieldsOf(form, pressed) {
  const fields = {};
  for (const control of form.elements) {
    if (!control.name || control.disabled) continue;
    if (control.type === "submit" && control !== pressed) continue;
    if (form.dataset.changed !== undefined && isAsBefore(control)) continue;
    const value = valueOf(control);
    if (value === null && control.dataset.optional !== undefined) continue;
    put(fields, control.name, value);
  }
  return fields;
}

function fill(address, answer) {
  return address.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(answer[name]));
}

function complain(form, text) {
  let note = form.querySelector("[role=alert]");
  if (!note) {
    note = document.createElement("p");
    note.setAttribute("role", "alert");
    note.className = "note bad";
    note.tabIndex = -1;
    form.prepend(note);
  }
  note.textContent = text;
  note.focus();
}

function request(form, method, address, fields) {
  if (form.dataset.files !== undefined) return [address, { method, body: new FormData(form) }];
  if (form.dataset.query !== undefined) {
    const given = Object.entries(fields).filter(([, value]) => value !== null);
    return [given.length ? `${address}?${new URLSearchParams(given)}` : address, { method }];
  }
  if (Object.keys(fields).length === 0 || method === "DELETE") return [address, { method }];
  const headers = { "Content-Type": "application/json" };
  return [address, { method, headers, body: JSON.stringify(fields) }];
}

function newsOf(form, answer) {
  return [answer[form.dataset.tell], form.dataset.said].filter(Boolean).join(" ");
}

async function send(form, pressed) {
  const [method, address] = form.dataset.send.split(" ");
  const fields = fieldsOf(form, pressed);
  if (form.dataset.changed !== undefined && Object.keys(fields).length === 0) {
    throw new Error("Nothing was changed, so there is nothing to keep.");
  }
  const answer = await fetch(...request(form, method, address, fields));
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(deepmed.reason(text) || `The server refused this (${answer.status}). Nothing was changed.`);
  }
  return text ? JSON.parse(text) : {};
}

function fetchFile(form, address) {
  let link = form.querySelector("a[download]");
  if (!link) {
    link = document.createElement("a");
    link.download = "";
    const note = document.createElement("p");
    note.setAttribute("role", "status");
    note.append("The file is made, and kept for a day: ", link);
    form.append(note);
  }
  link.href = address;
  link.textContent = "save it again";
  link.click();
}

async function submitted(event) {
  const form = event.target;
  if (!form.dataset?.send) return;
  event.preventDefault();
  const button = event.submitter;
  button?.setAttribute("aria-busy", "true");
  try {
    const answer = await send(form, button);
    if (form.dataset.download) {
      const place = form.dataset.download;
      fetchFile(form, place.includes("{") ? fill(place, answer) : answer[place]);
      button?.removeAttribute("aria-busy");
      return;
    }
    const news = newsOf(form, answer);
    if (news) sessionStorage.setItem(NEWS, news);
    if (form.dataset.then) location.assign(fill(form.dataset.then, answer));
    else location.reload();
  } catch (error) {
    const unreachable = error instanceof TypeError;
    complain(form, unreachable ? "The server does not answer. Nothing was changed; see that it runs, then try again." : error.message);
    button?.removeAttribute("aria-busy");
  }
}

function waitForWords(form) {
  const typed = form.querySelector("[data-words]");
  const button = form.querySelector("[type=submit]");
  const look = () => {
    button.disabled = typed.value.trim().toLowerCase() !== typed.dataset.words.toLowerCase();
  };
  typed.addEventListener("input", look);
  look();
}

function tellNews() {
  const news = sessionStorage.getItem(NEWS);
  if (news) deepmed.say(news);
  sessionStorage.removeItem(NEWS);
}

document.addEventListener("submit", submitted);
document.addEventListener("DOMContentLoaded", () => {
  for (const form of document.querySelectorAll("form[data-confirm]")) waitForWords(form);
  tellNews();
});
