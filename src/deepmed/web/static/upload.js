// Uploads: one picture with a form, several with a table, or a ZIP; sends them with real progress,
// then follows the import until it has ended.
"use strict";

const part = (id) => document.getElementById(id);
const isPicture = (file) => part("upload").dataset.endings.split(" ").some((end) => file.name.toLowerCase().endsWith(end));
const isArchive = (file) => /\.zip$/i.test(file.name);
const isTable = (file) => /\.(csv|json)$/i.test(file.name);
let files = [];

function show(id, visible) {
  part(id).hidden = !visible;
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function complain(text) {
  const note = element("p", text, { class: "note bad lines", role: "alert", tabindex: "-1" });
  part("complaint").replaceChildren(...(text ? [note] : []));
  if (text) note.focus();
}

function sizeOf(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toPrecision(3)} MB`;
}

function refusal(chosen) {
  const { most, fileBytes, archiveBytes } = part("upload").dataset;
  const archives = chosen.filter(isArchive);
  const unknown = chosen.find((file) => !isPicture(file) && !isArchive(file) && !isTable(file));
  if (unknown) return `${unknown.name} is no picture that can be read here, no ZIP and no table. Nothing was chosen.`;
  if (archives.length && chosen.length > 1) return "A ZIP comes alone, with its table inside. Nothing was chosen.";
  if (chosen.length > most) return `${chosen.length} files are more than ${most} at once. Put them into a ZIP.`;
  const great = chosen.find((file) => file.size > (isArchive(file) ? archiveBytes : fileBytes));
  return great ? `${great.name} has ${sizeOf(great.size)}, which is more than is allowed. Scale it down.` : "";
}

function choose(list) {
  const chosen = [...list];
  const text = refusal(chosen);
  complain(text);
  if (text || chosen.length === 0) return;
  files = chosen;
  part("result").replaceChildren();
  const single = files.length === 1 && isPicture(files[0]);
  const names = files.length === 1 ? files[0].name : `${files.length} files`;
  part("chosen").textContent = `${names}, ${sizeOf(files.reduce((sum, file) => sum + file.size, 0))}.`;
  show("one", single);
  show("many", !single);
  show("send-row", true);
  if (single) part("upload").dispatchEvent(new CustomEvent("picture", { detail: files[0] }));
  else offerSources();
}

function offerSources() {
  const archive = isArchive(files[0]);
  const source = part("source");
  source.querySelector("[value=table]").hidden = archive;
  source.value = archive || files.some(isTable) ? "file" : "table";
  drawRows();
  showSource();
}

function showSource() {
  const source = part("source").value;
  for (const name of ["table", "file", "pattern"]) show(`by-${name}`, source === name);
  const table = files.find(isTable);
  part("file-state").textContent = isArchive(files[0])
    ? "It lies in the ZIP."
    : table ? `${table.name} is chosen.` : "No table is chosen yet: choose all files together with it.";
}

function drawRows() {
  const body = part("rows").tBodies[0];
  body.replaceChildren(...files.filter(isPicture).map((file) => {
    const row = part("row").content.firstElementChild.cloneNode(true);
    const picture = row.querySelector("img");
    picture.src = URL.createObjectURL(file);
    picture.onload = () => URL.revokeObjectURL(picture.src);
    row.querySelector("span").textContent = file.name;
    for (const control of row.querySelectorAll("[name]")) {
      control.setAttribute("aria-label", `${control.getAttribute("aria-label")} for ${file.name}`);
    }
    row.dataset.name = file.name;
    return row;
  }));
}

function metadata() {
  return [...part("rows").tBodies[0].rows].map((row) => {
    const facts = { filename: row.dataset.name };
    for (const control of row.querySelectorAll("[name]")) {
      if (control.value.trim()) facts[control.name] = control.value.trim();
    }
    return facts;
  });
}

function missingAge() {
  const place = part("one").hidden ? part("by-table") : part("one");
  if (place.hidden || place.parentElement.hidden) return null;
  return [...place.querySelectorAll("[name=age_years]")].find((control) => !control.value.trim());
}

async function bodyOfOne() {
  const body = new FormData();
  const covered = await window.deepmed.covered?.();
  body.append("file", covered || files[0], covered ? files[0].name.replace(/\.\w+$/, ".png") : files[0].name);
  for (const control of part("one").querySelectorAll("[name]")) {
    if (control.value.trim()) body.append(control.name, control.value.trim());
  }
  return body;
}

function bodyOfMany() {
  const body = new FormData();
  const source = part("source").value;
  for (const file of files) {
    if (source === "file" || !isTable(file)) body.append("files", file, file.name);
  }
  if (source === "table") body.append("metadata", JSON.stringify(metadata()));
  if (source === "pattern") body.append("name_pattern", part("pattern").value);
  return body;
}

function stage(text, share) {
  show("progress", true);
  if (part("stage").textContent !== text) part("stage").textContent = text;
  if (share === null) part("bar").removeAttribute("value");
  else part("bar").value = 100 * share;
}

function transfer(address, body) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) stage("Uploading", event.loaded / event.total);
    };
    request.upload.onload = () => stage("Uploaded; the server reads it", null);
    request.onerror = () => reject(new Error("The server does not answer. Nothing was stored; try again."));
    request.onload = () => {
      if (request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(new Error(deepmed.reason(request.responseText) || `The server refused this (${request.status}).`));
    };
    request.send(body);
  });
}

function follow(job) {
  return new Promise((resolve) => {
    const source = new EventSource(`/api/v1/jobs/${job}/events`);
    source.addEventListener("progress", (event) => {
      const { completed, total } = JSON.parse(event.data).data;
      stage("Importing", total ? completed / total : null);
    });
    for (const kind of ["succeeded", "failed", "cancelled"]) {
      source.addEventListener(kind, () => {
        source.close();
        resolve();
      });
    }
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) resolve();
    };
  });
}

function links(...pairs) {
  const row = element("p", "", { class: "deeds" });
  for (const [text, address] of pairs) row.append(element("a", text, { href: address, class: "button" }));
  return row;
}

function tellOne(answer) {
  const conflicts = Object.keys(answer.conflicts);
  const told = answer.already_present
    ? `This very picture is stored already, as drawing ${answer.id}; it was not stored twice.`
    : `Stored as drawing ${answer.id}.`;
  const more = conflicts.length ? ` What was stored before is kept for: ${conflicts.join(", ")}.` : "";
  const notes = answer.notes.map((note) => element("li", note));
  const list = element("ul", "");
  list.append(...notes);
  return [element("p", told + more, { class: "note" }), list, links(["Look at it", `/drawings/${answer.id}`])];
}

const COUNTS = {
  stored: "stored", already_present: "were stored before", rejected: "refused",
  duplicates: "are copies of others and train nothing", blank: "are nearly blank",
  without_child_id: "without a child's number count as separate children",
  conflicts: "bring other facts than are stored; the stored ones are kept",
};

function tellMany(job) {
  if (job.state !== "succeeded") {
    const message = job.error?.message || `The import is ${job.state}.`;
    return [element("p", message, { class: "note bad lines" }), links(["To the job", `/jobs/${job.id}`])];
  }
  const list = element("ul", "");
  for (const [name, words] of Object.entries(COUNTS)) {
    if (job.result[name]) list.append(element("li", `${job.result[name]} ${words}.`));
  }
  for (const each of job.result.refusals) list.append(element("li", `${each.name}: ${each.reason}`));
  return [element("p", "The import is done.", { class: "note" }), list,
    links(["To the drawings", "/drawings"], ["To the models", "/models"])];
}

async function upload() {
  const single = !part("one").hidden;
  stage("Uploading", 0);
  if (single) return tellOne(await transfer("/api/v1/drawings/upload", await bodyOfOne()));
  const accepted = await transfer("/api/v1/drawings/batch/upload", bodyOfMany());
  stage("Waiting for a worker", null);
  await follow(accepted.job_id);
  const answer = await fetch(`/api/v1/jobs/${accepted.job_id}`);
  return tellMany(await answer.json());
}

async function submitted(event) {
  event.preventDefault();
  const empty = missingAge();
  if (empty) {
    complain("Each drawing needs the child's age. Nothing was sent yet.");
    empty.setAttribute("aria-invalid", "true");
    empty.focus();
    return;
  }
  complain("");
  part("send").disabled = true;
  try {
    const told = await upload();
    part("result").replaceChildren(...told);
    for (const id of ["one", "many", "send-row"]) show(id, false);
    part("files").value = "";
    part("result").focus();
  } catch (error) {
    complain(error.message);
  } finally {
    show("progress", false);
    part("send").disabled = false;
  }
}

function dropped(event) {
  event.preventDefault();
  part("drop").classList.remove("over");
  choose(event.dataTransfer.files);
}

document.addEventListener("DOMContentLoaded", () => {
  part("files").addEventListener("change", (event) => choose(event.target.files));
  part("source").addEventListener("change", showSource);
  part("upload").addEventListener("submit", submitted);
  part("upload").addEventListener("input", (event) => {
    event.target.removeAttribute("aria-invalid");
    if (event.target !== part("files")) complain("");
  });
  part("fill").addEventListener("click", () => {
    for (const control of part("rows").querySelectorAll("[name=age_years]")) control.value ||= part("all-ages").value;
  });
  for (const kind of ["dragover", "dragenter"]) {
    part("drop").addEventListener(kind, (event) => {
      event.preventDefault();
      part("drop").classList.add("over");
    });
  }
  part("drop").addEventListener("dragleave", () => part("drop").classList.remove("over"));
  part("drop").addEventListener("drop", dropped);
  choose(part("files").files); // chosen before this script was there, or kept by the browser
});
