/** Images that are dropped anywhere on the page, or pasted. */

/** @param {(file: File) => void} open */
export function followArrivals(open, { tell, drop }) {
  let depth = 0;
  const carriesFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const show = (on) => { drop.hidden = !on; };

  addEventListener("dragenter", (event) => { if (carriesFile(event)) show(++depth > 0); });
  addEventListener("dragleave", (event) => { if (carriesFile(event)) show((depth = Math.max(0, depth - 1)) > 0); });
  addEventListener("dragover", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    show((depth = 0) > 0);
    take([...event.dataTransfer.files]);
  });
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) { event.preventDefault(); take(files); }
  });

  function take(files) {
    if (!files.length) return;
    open(files[0]);
    if (files.length > 1) tell(`${files.length} files were dropped; only ${files[0].name} is opened`);
  }
}
