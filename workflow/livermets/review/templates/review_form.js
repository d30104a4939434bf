// The decisions of the reader

const form = byId("review"), statusLine = byId("status");
const KEY = `livermets review ${FACTS.scan} ${FACTS.mask_sha256}`, READER = "livermets reader";
const decisionOf = () => (form.querySelector('[name="decision"]:checked') || {}).value || "";
const boxOf = number => form.querySelector(`[data-delete="${number}"]`);
const whyOf = number => form.querySelector(`[data-why="${number}"]`);

function say(text, kind) {
  statusLine.textContent = text;
  statusLine.className = kind;
}

function remember(key, value) { // a browser may keep nothing for files; the form works without
  try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* nothing is remembered */ }
}

function remembered(key) {
  try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
}

function review() {
  const result = {
    version: FACTS.version, scan: FACTS.scan, reader: byId("reader").value.trim(), date: new Date().toISOString().slice(0, 10),
    mask_sha256: FACTS.mask_sha256, decision: decisionOf(), note: byId("note").value.trim(),
    lesions: FACTS.lesions.map(({ lesion, x_mm, y_mm, z_mm, volume_ml }) => ({
      lesion, decision: boxOf(lesion).checked ? "delete" : "keep",
      ...(boxOf(lesion).checked ? { reason: whyOf(lesion).value.trim() } : {}), x_mm, y_mm, z_mm, volume_ml,
    })),
  };
  if (result.decision === "exclude") result.reason = byId("reason").value.trim();
  return result;
}

function draftChanged() {
  byId("reason-line").hidden = decisionOf() !== "exclude";
  form.querySelectorAll(".wrong").forEach(field => field.classList.remove("wrong"));
  deleted.clear();
  FACTS.lesions.forEach(({ lesion }) => {
    whyOf(lesion).hidden = !boxOf(lesion).checked;
    if (boxOf(lesion).checked) deleted.add(lesion);
  });
  remember(KEY, review());
  remember(READER, { reader: byId("reader").value, several: byId("several").checked });
}

// What is missing: [field, what to do]
function missing(result) {
  const of = result.lesions.find(row => row.decision === "delete" && !row.reason);
  if (of) return [whyOf(of.lesion), `Say why lesion ${of.lesion} is deleted.`];
  if (!result.decision) return [form.querySelector('[name="decision"]'), "Choose a decision about the mask."];
  if (result.decision === "exclude" && !result.reason) return [byId("reason"), "Give the reason of the exclusion."];
  if (!result.reader) return [byId("reader"), "Say who the reader is."];
  return null;
}

function fileName(result) {
  const name = result.reader.normalize("NFKD").replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^-+|-+$/g, "") || "reader";
  return byId("several").checked ? `${result.scan}.${name}.json` : `${result.scan}.json`;
}

function save() {
  const result = review(), lack = missing(result);
  if (lack) {
    lack[0].classList.add("wrong");
    lack[0].focus();
    return say(lack[1], "bad");
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(result, null, 2) + "\n"], { type: "application/json" }));
  link.download = fileName(result);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  say(`Saved as ${link.download}.`, "good");
}

function decide(value) {
  form.querySelector(`[name="decision"][value="${value}"]`).checked = true;
  draftChanged();
  say("", "");
  if (value === "exclude") byId("reason").focus();
}

function toggleDeleted() {
  if (chosen === null) return say("Choose a lesion first (N).", "bad");
  boxOf(chosen).checked = !boxOf(chosen).checked;
  draftChanged();
  recolour();
  if (boxOf(chosen).checked) whyOf(chosen).focus();
}

form.addEventListener("submit", event => { event.preventDefault(); save(); });
form.addEventListener("input", () => { draftChanged(); say("", ""); });
form.addEventListener("change", event => { if (event.target.dataset.delete) recolour(); });

const KEYS = {
  ArrowUp: event => step(event.shiftKey ? 1 : 2, 1), ArrowDown: event => step(event.shiftKey ? 1 : 2, -1),
  ArrowLeft: () => step(0, 1), ArrowRight: () => step(0, -1), PageUp: () => step(2, 10), PageDown: () => step(2, -10),
  1: () => setWindow(330, 10), 2: () => setWindow(150, 30), 3: () => setWindow(1500, 300),
  "+": actions.larger, "=": actions.larger, "-": actions.smaller, 0: actions.whole,
  m: actions.mask, l: actions.numbers, b: actions.automatic, v: () => setPlanes((planes + 1) % 4),
  n: () => nextLesion(1), p: () => nextLesion(-1), d: toggleDeleted,
  a: () => decide("accept"), c: () => decide("correct"), x: () => decide("exclude"), s: save,
};

// Keys work everywhere but in a field that takes text; the viewer's own keys are not used
document.addEventListener("keydown", event => {
  const target = event.target, writes = target.matches('input[type="text"], textarea');
  if (event.key === "Escape" && writes) target.blur();
  if (event.ctrlKey || event.metaKey || event.altKey || writes) return;
  if (target.matches('input[type="radio"]') && event.key.startsWith("Arrow")) return;
  const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (action && (viewers.length || !/^(Arrow|Page)/.test(event.key))) {
    event.preventDefault();
    action(event);
  }
  if (action || target.matches("canvas") && event.key !== "Tab") event.stopPropagation();
}, true);
document.addEventListener("keyup", event => { if (event.target.matches("canvas")) event.stopPropagation(); }, true);

function restore() {
  const reader = remembered(READER), draft = remembered(KEY);
  if (reader) {
    byId("reader").value = reader.reader || "";
    byId("several").checked = Boolean(reader.several);
  }
  if (draft) {
    const radio = form.querySelector(`[name="decision"][value="${CSS.escape(draft.decision || "none")}"]`);
    if (radio) radio.checked = true;
    byId("note").value = draft.note || "";
    byId("reason").value = draft.reason || "";
    (draft.lesions || []).filter(row => lesionOf.has(row.lesion) && row.decision === "delete").forEach(row => {
      boxOf(row.lesion).checked = true;
      whyOf(row.lesion).value = row.reason || "";
    });
  }
  draftChanged();
}
restore();
