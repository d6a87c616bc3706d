// Signs commands with the operator's Ed25519 key. The private half is made here, cannot be
// exported, and stays in this browser's own database.
"use strict";

const VALID_S = 60;
const AT_ONCE = 200;

function store() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("edge-door", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("keys");
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

async function kept(work, mode = "readonly") {
  const database = await store();
  return new Promise((resolve, reject) => {
    const asked = work(database.transaction("keys", mode).objectStore("keys"));
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

function base64(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}

function possible() {
  if (window.isSecureContext && window.crypto.subtle) return true;
  throw new Error("This browser signs only on pages from https or localhost. Sign on your own host instead.");
}

async function makeKey() {
  possible();
  const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  const text = base64(await crypto.subtle.exportKey("raw", pair.publicKey));
  await kept((keys) => keys.put({ key: pair.privateKey, text }, "mine"), "readwrite");
  return text;
}

// As edge.access.command wants it: sorted keys, no spaces, ASCII.
function canonical(fields) {
  const sorted = Object.fromEntries(Object.entries(fields).sort(([one], [other]) => (one < other ? -1 : 1)));
  return JSON.stringify(sorted).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

async function sign(mine, device, action, reason) {
  const issued = Math.floor(Date.now() / 1000);
  const nonce = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const fields = { action, counter: Date.now(), device, expires: issued + VALID_S, issued, key: mine.text, nonce, reason };
  const signature = await crypto.subtle.sign("Ed25519", mine.key, new TextEncoder().encode(canonical(fields)));
  return JSON.stringify({ ...fields, signature: base64(signature) });
}

// Of many doors, so many commands go at once: each is signed just before, for it counts a minute.
async function signForm(form, say) {
  possible();
  const mine = await kept((keys) => keys.get("mine"));
  if (!mine) throw new Error("This browser holds no key of yours: make one on your account page.");
  const devices = form.dataset.device ? [form.dataset.device] : [...form.querySelectorAll("[data-device]")].map((each) => each.dataset.device);
  if (!devices.length) throw new Error("There is no door to send it to.");
  const address = form.getAttribute("action"); // a field of the form is called action, too
  for (let sent = 0; sent < devices.length; sent += AT_ONCE) {
    const body = new URLSearchParams({ csrf: form.elements.csrf.value });
    for (const device of devices.slice(sent, sent + AT_ONCE)) {
      body.append("text", await sign(mine, device, form.elements.action.value, form.elements.reason.value.trim()));
    }
    const answer = await fetch(address, { method: "POST", body, redirect: "manual" });
    if (answer.type !== "opaqueredirect") {
      const why = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main p");
      throw new Error(`${sent} of ${devices.length} were sent. ${why ? why.textContent.trim() : "This host took no more."}`);
    }
    say(`${Math.min(sent + AT_ONCE, devices.length)} of ${devices.length} sent`);
  }
  location.assign(form.elements.back ? form.elements.back.value : "/commands");
}

function before(form, work) {
  const state = form.querySelector("[data-sign-state]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await work(form, (text) => { state.textContent = text; });
    } catch (error) {
      state.textContent = error.message;
      state.setAttribute("role", "alert");
      state.className = "wrong";
    }
  });
}

for (const form of document.querySelectorAll("form[data-sign]")) before(form, signForm);
for (const form of document.querySelectorAll("form[data-make-key]")) {
  before(form, async () => {
    if (!form.elements.public.value) form.elements.public.value = await makeKey();
    form.submit();
  });
}
