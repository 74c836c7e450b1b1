// Shows the button that copies the text of a field. Without this script, people select the text and copy it.
"use strict";

for (const button of document.querySelectorAll("button[data-copies]")) {
  const field = document.getElementById(button.dataset.copies);
  const status = document.getElementById("copied");
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      if (navigator.clipboard) await navigator.clipboard.writeText(field.value);
      else if (!document.execCommand("copy")) throw new Error("refused"); // over http there is no clipboard
      button.focus();
      status.textContent = status.dataset.text;
    } catch {
      status.textContent = status.dataset.failed;
    }
  });
}
