// Passkeys: made on the account page, used on the login page. The browser does the work.
"use strict";

async function options(form, address) {
  const answer = await fetch(address, { method: "POST", body: new URLSearchParams({ csrf: form.elements.csrf.value }) });
  if (!answer.ok) throw new Error("The page was too old. Load it again.");
  return answer.json();
}

async function make(form) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await options(form, "/account/passkeys/offer"));
  return navigator.credentials.create({ publicKey });
}

async function use(form) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await options(form, "/login/passkey/offer"));
  return navigator.credentials.get({ publicKey });
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const possible = window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON;
  form.hidden = !possible;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const credential = await (form.dataset.passkey === "make" ? make : use)(form);
      form.elements.credential.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch (error) {
      form.querySelector("[role=alert]").textContent = error.message;
    }
  });
}
