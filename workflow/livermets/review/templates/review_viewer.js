"use strict";
const FACTS = JSON.parse(document.getElementById("facts").textContent);
const byId = id => document.getElementById(id);
const COLOURS = { liver: [53, 196, 255], lesion: [255, 176, 0], dropped: [255, 79, 163], deleted: [185, 192, 200] };
const PLANES = ["axial", "coronal", "sagittal"];
const SIDES = ["RLAP", "RLSI", "PASI"]; // left, right, top and bottom of each plane
const MULTIPLANAR = 3;
// Three planes, each as [plane, left, top, width, height] in shares of the screen: wide, and tall as on a phone
const WIDE = [[0, 0, 0, 0.625, 1], [1, 0.625, 0, 0.375, 0.5], [2, 0.625, 0.5, 0.375, 0.5]].map(tileOf);
const TALL = [[0, 0, 0, 1, 0.64], [1, 0, 0.64, 0.5, 0.36], [2, 0.5, 0.64, 0.5, 0.36]].map(tileOf);
const LAYERS = [["fill", 0.13], ["edges", 0.9]]; // of a mask, over the CT, with their opacity
function tileOf([sliceType, ...position]) { return { sliceType, position }; }
const lesionOf = new Map(FACTS.lesions.map(row => [row.lesion, row]));
const deleted = new Set();
let chosen = null;
const viewers = []; // the pane with the final mask, then the one with the automatic mask

// Unpack the volumes

function bytesOf(text) {
  const raw = atob(text), bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

async function unpacked(name) {
  const stream = new Blob([bytesOf(byId(`volume-${name}`).textContent)]).stream();
  return new Uint8Array(await new Response(stream.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

// Each byte is the difference to the level that its neighbours predict (the median of JPEG-LS)
async function unpackedHu() {
  const differences = await unpacked("ct"), [nx, ny, nz] = FACTS.shape;
  const levels = new Uint8Array(differences.length), hu = new Int16Array(differences.length);
  for (let z = 0, i = 0; z < nz; z++) for (let y = 0; y < ny; y++) for (let x = 0; x < nx; x++, i++) {
    const left = x ? levels[i - 1] : 0, above = y ? levels[i - nx] : 0, corner = x && y ? levels[i - nx - 1] : 0;
    const low = Math.min(left, above), high = Math.max(left, above);
    const predicted = corner >= high ? low : corner <= low ? high : left + above - corner;
    levels[i] = predicted + differences[i]; // modulo 256
    hu[i] = FACTS.levels[levels[i]];
  }
  return hu;
}

function niftiOf(kind, voxels) {
  const header = bytesOf(FACTS.headers[kind]), file = new Uint8Array(header.length + voxels.byteLength);
  file.set(header);
  file.set(new Uint8Array(voxels.buffer, voxels.byteOffset, voxels.byteLength), header.length);
  return file.buffer;
}

// Colours of the mask: liver, dropped lesions, then one value for each lesion

function colourTable(values) {
  const table = { R: [0], G: [0], B: [0], A: [0], I: [0], labels: [""] };
  const add = (value, colour, alpha) => {
    ["R", "G", "B"].forEach((channel, i) => table[channel].push(colour[i]));
    table.A.push(alpha); table.I.push(value); table.labels.push("");
  };
  add(1, COLOURS.liver, 255);
  add(2, values ? COLOURS.dropped : COLOURS.lesion, 255);
  (values || []).forEach((lesion, i) => add(3 + i, deleted.has(lesion) ? COLOURS.deleted : COLOURS.lesion, 255));
  return table;
}

const lesionsInOrder = FACTS.lesions.map(row => row.lesion).sort((a, b) => a - b).slice(0, 253);

function recolour() {
  if (!viewers.length) return;
  viewers[0].nv.volumes.slice(1).forEach(layer => layer.setColormapLabel(colourTable(lesionsInOrder)));
  viewers[0].nv.updateGLVolume();
  viewers[0].mark();
}

// The voxels of each label at its edge within their axial slice; the liver has none towards lesions
function edgesOf(mask) {
  const [nx, ny, nz] = FACTS.shape, edges = new Uint8Array(mask.length);
  for (let z = 0, i = 0; z < nz; z++) for (let y = 0; y < ny; y++) for (let x = 0; x < nx; x++, i++) {
    const value = mask[i], ends = value === 1 ? other => other === 0 : other => other !== value;
    if (value && (x && ends(mask[i - 1]) || x < nx - 1 && ends(mask[i + 1]) || y && ends(mask[i - nx]) || y < ny - 1 && ends(mask[i + nx]))) edges[i] = value;
  }
  return edges;
}

// One pane

class Pane {
  constructor(canvas, hu) {
    this.canvas = canvas;
    this.hu = hu;
    this.marks = canvas.parentElement.querySelector(".marks");
    this.nv = new niivue.Niivue({
      isRadiologicalConvention: true, isOrientationTextVisible: false,
      dragAndDropEnabled: false, dragMode: niivue.DRAG_MODE.pan, multiplanarShowRender: niivue.SHOW_RENDER.NEVER,
      multiplanarPadPixels: 4, multiplanarForceRender: false, crosshairColor: [0.2, 0.9, 0.4, 0.6], crosshairWidthUnit: "percent", crosshairWidth: 0.3, crosshairGap: 6,
      fontColor: [1, 1, 1, 1], fontMinPx: 15, fontSizeScaling: 0.3, isResizeCanvas: true, logLevel: "error", loadingText: "",
    });
  }

  async load(mask, table) {
    await this.nv.attachToCanvas(this.canvas, false);
    const image = await niivue.NVImage.new(niftiOf("int16", this.hu), "ct.nii", "gray", 1, null, -155, 175);
    this.nv.addVolume(image);
    for (const [name, opacity] of LAYERS) {
      const voxels = name === "edges" ? edgesOf(mask) : mask;
      const layer = await niivue.NVImage.new(niftiOf("uint8", voxels), `${name}.nii`, "gray", opacity, null, 0, 255);
      layer.setColormapLabel(table);
      this.nv.addVolume(layer);
    }
    this.nv.setInterpolation(false);
    this.nv.setSliceType(MULTIPLANAR);
    const draw = this.nv.drawScene.bind(this.nv);
    this.nv.drawScene = (...given) => { const result = draw(...given); this.markSoon(); return result; };
    this.nv.onLocationChange = () => this.moved();
    this.canvas.addEventListener("pointermove", event => this.tell(event));
    this.canvas.addEventListener("pointerleave", () => tellAt(this, this.nv.scene.crosshairPos, "at the cross"));
    this.canvas.addEventListener("wheel", event => {
      if (!event.ctrlKey) return;
      event.preventDefault(); event.stopImmediatePropagation();
      zoomBy(event.deltaY < 0 ? 1.15 : 1 / 1.15);
    }, { capture: true, passive: false });
    this.canvas.addEventListener("pointerup", () => follow(this));
  }

  showMask(on) {
    LAYERS.forEach(([, opacity], i) => this.nv.setOpacity(1 + i, on ? opacity : 0));
  }

  moved() {
    tellAt(this, this.nv.scene.crosshairPos, "at the cross");
    follow(this);
  }

  tell(event) {
    const ratio = this.canvas.width / this.canvas.clientWidth;
    const frac = this.nv.canvasPos2frac([event.offsetX * ratio, event.offsetY * ratio]);
    if (frac[0] >= 0) tellAt(this, frac, "under the pointer");
  }

  huAt(frac) {
    const at = FACTS.shape.map((side, i) => Math.min(side - 1, Math.max(0, Math.floor(frac[i] * side))));
    return this.hu[at[0] + FACTS.shape[0] * (at[1] + FACTS.shape[1] * at[2])];
  }

  markSoon() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.mark(); });
  }

  // Numbers of the lesions beside them, and what each view shows
  mark() {
    const marks = [], ratio = this.canvas.clientWidth / this.canvas.width, cross = this.nv.scene.crosshairPos;
    const put = (text, x, y, kind) => {
      const mark = document.createElement("span");
      mark.textContent = text; mark.className = kind; mark.style.left = `${x}px`; mark.style.top = `${y}px`;
      marks.push(mark);
    };
    this.nv.screenSlices.forEach(tile => {
      const plane = tile.axCorSag;
      if (plane > 2) return;
      const [left, top, width, height] = tile.leftTopWidthHeight.map(size => size * ratio);
      const x0 = Math.min(left, left + width), wide = Math.abs(width);
      const normal = [2, 1, 0][plane];
      put(`${PLANES[plane]} ${sidesOf(this.nv, normal)}`, x0 + 6, top + height - 18, "plane");
      const [atLeft, atRight, atTop, atBottom] = SIDES[plane];
      [[atLeft, x0 + 10, top + height / 2], [atRight, x0 + wide - 10, top + height / 2], [atTop, x0 + wide / 2, top + 10], [atBottom, x0 + wide / 2, top + height - (wide < 300 ? 28 : 10)]]
        .forEach(([side, x, y]) => put(FACTS.oriented ? side : "?", x, y, "side"));
      if (!showNumbers || this !== viewers[0]) return;
      const taken = [];
      lesionOf.forEach((row, number) => {
        const [low, high] = row.box.map(mm => this.nv.mm2frac(mm));
        if (cross[normal] < Math.min(low[normal], high[normal]) || cross[normal] > Math.max(low[normal], high[normal])) return;
        const corners = [low, high].map(corner => {
          const place = [...corner]; place[normal] = cross[normal];
          const found = this.nv.frac2canvasPosWithTile(place, plane);
          return found && found.pos.map(size => size * ratio);
        });
        if (!corners[0] || !corners[1]) return;
        let x = Math.max(corners[0][0], corners[1][0]) + 11, y = Math.min(corners[0][1], corners[1][1]) - 4;
        x = Math.min(Math.max(x, x0 + 10), x0 + wide - 12); y = Math.min(Math.max(y, top + 10), top + height - 26);
        while (taken.some(([a, b]) => Math.abs(a - x) < 20 && Math.abs(b - y) < 15)) y += 15;
        taken.push([x, y]);
        put(number, x, y, number === chosen ? "chosen" : deleted.has(number) ? "deleted" : "");
      });
    });
    this.marks.replaceChildren(...marks);
  }
}

function sidesOf(nv, normal) {
  const mm = nv.frac2mm(nv.scene.crosshairPos)[normal], sides = ["LR", "PA", "IS"][normal];
  const side = FACTS.oriented ? ` ${sides[mm < 0 ? 0 : 1]}` : "";
  return FACTS.oriented ? `${Math.abs(mm).toFixed(0)} mm${side}` : `${mm.toFixed(0)} mm, sides unknown`;
}

function tellAt(pane, frac, where) {
  const hu = pane.huAt(frac), [low, high] = FACTS.fine, [fine, coarse] = FACTS.steps;
  const first = FACTS.levels[0], last = FACTS.levels[FACTS.levels.length - 1];
  const off = hu >= low && hu <= high ? fine / 2 : coarse / 2;
  const value = hu === first ? `≤ ${first + off}` : hu === last ? `≥ ${last - off}` : `${hu} ± ${off}`;
  byId("hu").textContent = `HU ${value}`;
  const mm = pane.nv.frac2mm(frac);
  byId("place").textContent = `${where}: ${["x", "y", "z"].map((axis, i) => `${axis} ${(i < 2 ? -mm[i] : mm[i]).toFixed(0)}`).join(", ")} mm (LPS)`;
}

// The panes move together

function follow(leader) {
  viewers.forEach(pane => {
    if (pane === leader || pane.canvas.closest("figure").hidden) return;
    pane.nv.scene.crosshairPos = [...leader.nv.scene.crosshairPos];
    pane.nv.scene.pan2Dxyzmm = [...leader.nv.scene.pan2Dxyzmm];
    pane.nv.drawScene();
  });
}

function goTo(mm) {
  const lead = viewers[0];
  if (!lead) return;
  lead.nv.scene.crosshairPos = lead.nv.mm2frac(mm);
  lead.nv.drawScene();
  lead.moved();
}

function choose(number) {
  chosen = number;
  document.querySelectorAll(".jump[data-lesion]").forEach(button => button.setAttribute("aria-current", Number(button.dataset.lesion) === number));
  const row = lesionOf.get(number);
  if (matchMedia("(min-width: 60rem)").matches) byId(`lesion-${number}`).scrollIntoView({ block: "nearest" });
  goTo(row.centre);
}

function step(axis, by) {
  viewers.slice(0, 1).forEach(pane => {
    const cross = [...pane.nv.scene.crosshairPos];
    const side = FACTS.shape[axis], at = Math.min(side - 1, Math.max(0, Math.floor(cross[axis] * side) + by));
    cross[axis] = (at + 0.5) / side;
    pane.nv.scene.crosshairPos = cross;
    pane.nv.drawScene();
    pane.moved();
  });
}

// The place of the cross stays where it is on the screen
function zoomBy(factor) {
  const lead = viewers[0];
  if (!lead) return;
  const pan = [...lead.nv.scene.pan2Dxyzmm], zoom = Math.min(12, Math.max(0.5, pan[3] * factor));
  const mm = lead.nv.frac2mm(lead.nv.scene.crosshairPos);
  for (let i = 0; i < 3; i++) pan[i] += (pan[3] - zoom) * mm[i];
  pan[3] = zoom;
  setPan(pan);
}

function setPan(pan) {
  viewers.forEach(pane => { pane.nv.scene.pan2Dxyzmm = [...pan]; pane.nv.drawScene(); });
}

function setWindow(width, level) {
  viewers.forEach(pane => {
    pane.nv.volumes[0].cal_min = level - width / 2;
    pane.nv.volumes[0].cal_max = level + width / 2;
    pane.nv.updateGLVolume();
  });
  byId("window").textContent = `W ${width} L ${level}`;
  document.querySelectorAll("[data-window]").forEach(button => button.setAttribute("aria-pressed", button.dataset.window === `${width},${level}`));
}

let planes = MULTIPLANAR;
const slicesOf = () => planes === 1 ? 1 : planes === 2 ? 0 : 2; // the axis that the buttons move along
function setPlanes(type) {
  planes = type;
  viewers.forEach(({ nv }) => {
    nv.setSliceType(type);
    if (type === MULTIPLANAR) nv.setCustomLayout(nv.canvas.clientHeight > nv.canvas.clientWidth ? TALL : WIDE); else nv.clearCustomLayout();
  });
  document.querySelectorAll("[data-planes]").forEach(button => button.setAttribute("aria-pressed", Number(button.dataset.planes) === type));
}

function toggle(button) {
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", on);
  return on;
}

let showNumbers = true;
const actions = {
  mask: () => { const on = toggle(byId("mask")); viewers.forEach(pane => pane.showMask(on)); },
  numbers: () => { showNumbers = toggle(byId("numbers")); viewers.forEach(pane => pane.mark()); },
  automatic: () => { if (byId("automatic")) showBeside(toggle(byId("automatic"))); },
  up: () => step(slicesOf(), 1),
  down: () => step(slicesOf(), -1),
  smaller: () => zoomBy(1 / 1.25),
  larger: () => zoomBy(1.25),
  whole: () => setPan([0, 0, 0, 1]),
};

async function showBeside(on) {
  byId("second").hidden = !on;
  if (on && viewers.length < 2) {
    const pane = new Pane(byId("beside"), viewers[0].hu);
    await pane.load(await unpacked("automatic"), colourTable(null));
    viewers.push(pane);
    setWindow(...document.querySelector('[data-window][aria-pressed="true"]').dataset.window.split(",").map(Number));
    pane.showMask(byId("mask").getAttribute("aria-pressed") === "true");
  }
  setPlanes(on && planes === MULTIPLANAR ? 0 : planes);
  viewers.forEach(pane => pane.nv.resizeListener());
  follow(viewers[0]);
}

function nextLesion(by) { // in the order of the list
  const listed = FACTS.lesions.map(row => row.lesion);
  if (!listed.length) return;
  const place = listed.indexOf(chosen);
  const next = place < 0 ? (by > 0 ? 0 : listed.length - 1) : (place + by + listed.length) % listed.length;
  choose(listed[next]);
}

Object.entries(actions).forEach(([id, action]) => byId(id) && byId(id).addEventListener("click", action));
document.querySelectorAll("[data-window]").forEach(button => button.addEventListener("click", () => setWindow(...button.dataset.window.split(",").map(Number))));
document.querySelectorAll("[data-planes]").forEach(button => button.addEventListener("click", () => setPlanes(Number(button.dataset.planes))));
document.querySelectorAll(".jump").forEach(button => button.addEventListener("click", () => button.dataset.lesion ? choose(Number(button.dataset.lesion)) : goTo(button.dataset.mm.split(",").map(Number))));

// Without WebGL the still pictures are shown; the form works either way
function showStills(why) {
  byId("stills").open = true;
  byId("panes").hidden = true;
  document.querySelector(".tools").hidden = true;
  document.querySelector(".where").hidden = true;
  document.querySelectorAll(".jump").forEach(button => { button.disabled = true; });
  byId("trouble").textContent = `${why} The still pictures below show every lesion, and decisions can be saved all the same.`;
  byId("trouble").hidden = false;
  document.body.dataset.viewer = "stills";
}

// Turning a phone, or a narrower window, asks for the other layout
addEventListener("resize", () => { if (viewers.length && planes === MULTIPLANAR) setPlanes(planes); });

// The print has the still pictures, since a canvas prints black or not at all
const foldsInPrint = document.querySelectorAll("#stills, .decisions details");
let foldsBefore = [];
addEventListener("beforeprint", () => {
  foldsBefore = [...foldsInPrint].map(fold => fold.open);
  foldsInPrint.forEach(fold => { fold.open = true; });
});
addEventListener("afterprint", () => foldsInPrint.forEach((fold, i) => { fold.open = foldsBefore[i]; }));

async function start() {
  if (typeof niivue === "undefined") return showStills("The file niivue.umd.js is not in the folder of this page: copy the whole folder.");
  if (!document.createElement("canvas").getContext("webgl2")) return showStills("This browser has no WebGL 2, which the viewer needs.");
  if (typeof DecompressionStream === "undefined") return showStills("This browser is too old for the viewer.");
  try {
    const pane = new Pane(byId("final"), await unpackedHu());
    await pane.load(await unpacked("mask"), colourTable(lesionsInOrder));
    viewers.push(pane);
    setWindow(330, 10);
    setPlanes(MULTIPLANAR);
    const first = FACTS.lesions[0];
    if (first) goTo(first.centre); else pane.moved();
    recolour();
    document.body.dataset.viewer = "ready";
  } catch (error) {
    showStills(`The viewer stopped (${error.message}).`);
  }
}
start();
