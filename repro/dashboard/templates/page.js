// The page: asks for what is new, keeps it, and draws what the filter leaves.

const $ = (id) => document.getElementById(id);
const STATES = ["running", "failed", "queued", "stopped", "done", "open"];
const NAMES = {x: "x", y: "y", z: "z"};
const known = {session: "", revision: 0, figure: null, points: [], curves: new Map(), columns: [], time: 0};
const view = {name: "", state: "", kept: new Set()};
const address = new URLSearchParams(location.hash.slice(1));

const column = (name) => known.columns.indexOf(name);
const mean = (axis) => ({
  title: `⟨σ<sub>${axis}</sub>⟩`,
  of: (row) => row[column(`sigma_${axis}`)],
  exact: (row) => row[column(`sigma_${axis}_exact`)],
});
const PANELS = [
  {title: "loss", log: true, of: (row) => row[column("loss")]},
  {title: "residual ‖dp/dt‖₁", unit: " (γ)", log: true, of: (row) => row[column("residual")]},
  {title: "distance from exact", log: true, of: (row) => distance(row) > ROUNDING ? distance(row) : null},
  mean("x"), mean("y"), mean("z"),
];

const ROUNDING = 1e-6; // of single precision: a product state at t = 0 is exact

function distance(row) {
  let most = null;
  for (const axis of Object.keys(NAMES)) {
    const value = row[column(`sigma_${axis}`)], exact = row[column(`sigma_${axis}_exact`)];
    if (value !== null && exact !== null) most = Math.max(most ?? 0, Math.abs(value - exact));
  }
  return most;
}

function duration(seconds) {
  if (seconds === null) return "";
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

function short(value) {
  return value === null || value === undefined ? "" : value.toFixed(4).replace("-", "\u2212");
}

async function ask(again = true) {
  const wanted = known.figure, figure = wanted === null ? "" : `&figure=${encodeURIComponent(wanted)}`;
  const asked = `${document.body.dataset.url}?session=${known.session}&since=${known.revision}${figure}`;
  try {
    const answer = await fetch(asked, {cache: "no-store"});
    const data = await answer.json();
    if (data.error) throw new Error(data.error);
    if (known.figure === wanted) take(data); // else another figure was chosen meanwhile
    say(true, `live, looked at ${new Date(data.time * 1000).toLocaleTimeString()}`);
  } catch (error) {
    const gone = error instanceof TypeError;
    const since = known.time ? `; shown is what was there at ${new Date(known.time * 1000).toLocaleTimeString()}` : "";
    say(false, gone ? `the server has stopped${since}` : String(error.message));
  }
  if (again) setTimeout(ask, document.body.dataset.refresh * (document.hidden ? 5000 : 1000));
}

function say(on, text) {
  $("live").className = on ? "on" : "off";
  $("said").textContent = text;
}

function take(data) {
  if (data.session !== known.session) known.curves.clear();
  for (const [id, news] of Object.entries(data.curves)) {
    const rows = (known.curves.get(id)?.rows ?? []).slice(0, news.from);
    known.curves.set(id, {axis: news.axis, end: news.end, rows: rows.concat(news.rows)});
  }
  const {session, revision, figure, points, columns, time, runs} = data;
  Object.assign(known, {session, revision, figure, points, columns, time});
  $("folder").textContent = runs;
  draw();
}

function shown() {
  const words = view.name.toLowerCase().split(/\s+/).filter(Boolean);
  return known.points.filter((point) => (known.figure === "*" || point.figures.includes(known.figure))
    && (!view.state || point.state === view.state)
    && words.every((word) => `${point.panel}-${point.label} ${point.id}`.toLowerCase().includes(word)));
}

function draw() {
  const points = shown(), begun = points.filter((point) => known.curves.has(point.id));
  figures();
  states();
  failures(points.filter((point) => point.state === "failed"));
  running(points.filter((point) => point.state === "running"));
  for (const axis of ["t", "iteration"]) curvesOf(axis, begun.filter((point) => known.curves.get(point.id).axis === axis));
  table(points.filter((point) => point.state !== "open" || view.state === "open"));
  $("empty").hidden = points.length > 0;
  $("empty").textContent = known.points.length ? "No point is left by the filter." : "No run has begun in this folder yet.";
}

function figures() {
  const names = [...new Set(known.points.flatMap((point) => point.figures))];
  const wanted = names.length > 1 ? [...names, "*"] : names;
  $("figures").replaceChildren(...wanted.map((name) => {
    const of = known.points.filter((point) => name === "*" || point.figures.includes(name));
    const button = node("button", {type: "button", "aria-pressed": name === known.figure});
    node("b", {}, button, name === "*" ? "all" : name || "others");
    const profiles = [...new Set(of.filter((point) => point.figure === name).map((point) => point.profile))].join(", ");
    if (profiles) button.append(` ${profiles}`);
    node("span", {}, button, STATES.map((state) => [of.filter((point) => point.state === state).length, state])
      .filter(([count]) => count).map(([count, state]) => `${count} ${state === "open" ? "to come" : state}`).join(", "));
    const bar = node("div", {class: "bar"}, button);
    for (const state of ["done", "failed"]) part(bar, of.filter((point) => point.state === state).length / of.length, state);
    const rest = of.filter((point) => !["done", "failed"].includes(point.state) && point.total);
    part(bar, rest.reduce((sum, point) => sum + point.done / point.total, 0) / of.length, "");
    button.onclick = () => choose(name);
    return button;
  }));
}

function part(bar, share, kind) {
  if (share > 0) node("i", {class: kind}, bar).style.width = `${100 * share}%`;
}

function choose(figure) {
  Object.assign(known, {figure, revision: 0});
  known.curves.clear();
  view.kept.clear();
  remember();
  ask(false);
}

function states() {
  const there = STATES.filter((state) => known.points.some((point) => point.state === state));
  const options = ["", ...there].map((state) => `${state}`);
  if ([...$("state").options].map((option) => option.value).join() === options.join()) return;
  $("state").replaceChildren(...options.map((state) => node("option", {value: state}, null, state === "open" ? "to come" : state || "all")));
  $("state").value = view.state;
}

function failures(points) {
  $("failures").hidden = !points.length;
  $("failures").querySelector("ul").replaceChildren(...points.map((point) => {
    const item = node("li", {});
    node("b", {}, item, `${point.panel} ${point.label}`.trim());
    item.append(`: ${point.reason}`);
    return item;
  }));
}

function running(points) {
  $("running").hidden = !points.length;
  $("running").querySelector(".bars").replaceChildren(...points.map((point) => {
    const item = node("div", {}), share = point.total ? point.done / point.total : 0;
    node("span", {}, item, [point.total ? `${point.done} of ${point.total}` : "starting", point.left === null ? "" : `${duration(point.left)} left`]
      .filter(Boolean).join(", "));
    item.append(`${point.panel} ${point.label}`.trim());
    part(node("div", {class: "bar"}, item), share, "");
    return item;
  }));
}

function curvesOf(axis, points) {
  const section = $(axis), plots = section.querySelector(".plots");
  section.hidden = !points.length;
  const drawn = JSON.stringify([known.revision, known.figure, points.map((point) => [point.id, point.state]), [...view.kept], $("exact").checked]);
  if (!points.length || section.drawn === drawn) return; // what is under the mouse stays
  section.drawn = drawn;
  const look = new Map(points.map((point, k) => [point.id, {colour: k % 7, dash: Math.floor(k / 7) % 5}]));
  while (plots.children.length < PANELS.length) {
    const figure = node("figure", {}, plots), k = plots.children.length - 1;
    node("figcaption", {}, figure);
    figure.onmousemove = (event) => point_at(figure, axis, event);
    figure.onmouseleave = () => light(section, null);
  }
  const longest = Math.max(...points.map(reach));
  const ours = points.every((point) => point.profile); // a user's problem has none, and its own unit
  PANELS.forEach(({title, unit}, k) => plots.children[k].querySelector("figcaption").innerHTML = title + (ours && unit || ""));
  PANELS.forEach((panel, k) => plot(plots.children[k], points.map((point) => series(point, panel, look.get(point.id), axis)), {
    log: Boolean(panel.log), exact: Boolean(panel.exact) && $("exact").checked, end: longest,
    xlabel: axis !== "t" ? "iteration" : ours ? "t (1/γ)" : "t",
  }));
  legend(section, points, look);
  light(section, null);
}

function reach(point) {
  // how far a point goes: the axis does not grow with a curve
  const {rows, end} = known.curves.get(point.id), last = rows.at(-1)?.[0] ?? 0;
  return point.state === "running" ? Math.max(last, end ?? 0) : last;
}

function series(point, panel, {colour, dash}, axis) {
  const rows = known.curves.get(point.id).rows;
  const fits = (value) => value !== null && value !== undefined && (!panel.log || value > 0);
  const points = rows.map((row) => [row[0], panel.of(row)]).filter(([, value]) => fits(value));
  const exact = panel.exact ? rows.map((row) => [row[0], panel.exact(row)]).filter(([, value]) => fits(value)) : [];
  return {id: point.id, label: `${point.panel} ${point.label}`.trim(), colour, dash, points, exact, running: point.state === "running"};
}

function key({colour, dash}) {
  const picture = node("svg:svg", {class: "key", viewBox: "0 0 22 8"});
  node("svg:path", {class: `line k${colour} d${dash}`, d: "M0 4H22"}, picture);
  return picture;
}

function legend(section, points, look) {
  section.querySelector(".legend").replaceChildren(...points.map((point) => {
    const entry = node("button", {type: "button", title: "click to keep it in front", class: view.kept.has(point.id) ? "kept" : ""});
    entry.append(key(look.get(point.id)), `${point.panel} ${point.label}`.trim());
    entry.onmouseenter = () => light(section, point.id);
    entry.onmouseleave = () => light(section, null);
    entry.onclick = () => { view.kept.has(point.id) ? view.kept.delete(point.id) : view.kept.add(point.id); draw(); };
    return entry;
  }));
}

function light(section, id) {
  const lit = new Set(view.kept);
  if (id) lit.add(id);
  const here = [...section.querySelectorAll("[data-point]")].filter((mark) => lit.has(mark.dataset.point));
  for (const svg of section.querySelectorAll(".plots svg")) svg.classList.toggle("lit", here.length > 0);
  for (const mark of section.querySelectorAll("[data-point]")) mark.classList.toggle("on", lit.has(mark.dataset.point));
  for (const mark of section.querySelectorAll("[data-points]")) {
    mark.classList.toggle("on", mark.dataset.points.split(" ").some((one) => lit.has(one)));
  }
  if (!id) $("tip").hidden = true;
}

function point_at(figure, axis, event) {
  const svg = figure.querySelector("svg"), reach = figure.reach, box = svg.getBoundingClientRect();
  if (!reach) return;
  const size = BOX.width / box.width, mouse = [(event.clientX - box.left) * size, (event.clientY - box.top) * size];
  let best = null, least = 24 ** 2;
  for (const one of reach.series) for (const [x, y] of one.points) {
    const apart = (reach.x(x) - mouse[0]) ** 2 + (reach.y(y) - mouse[1]) ** 2;
    if (apart < least) { least = apart; best = {one, x, y}; }
  }
  light($(axis), best && best.one.id);
  if (!best) return;
  const tip = $("tip");
  tip.textContent = `${best.one.label}\n${axis} = ${+best.x.toPrecision(5)}   ${+best.y.toPrecision(5)}`;
  tip.hidden = false;
  tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${Math.max(event.clientY - 48, 4)}px`;
}

const COLUMNS = [
  ["panel", (point) => point.panel, "optional"],
  ["point", (point) => point.label],
  ["state", (point) => point.state === "open" ? "to come" : point.state, (point) => `s-${point.state}`],
  ["done", (point) => point.total ? `${Math.round((100 * point.done) / point.total)} %` : point.state === "done" ? "100 %" : "", "n"],
  ["left", (point) => point.state === "running" || point.state === "stopped" ? duration(point.left) : "", "n"],
  ["spent", (point) => duration(point.spent), "n optional"],
  ["⟨σ<sub>z</sub>⟩", (point) => short(at_end(point)?.[column("sigma_z")]), "n"],
  ["exact", (point) => short(at_end(point)?.[column("sigma_z_exact")]), "n optional"],
  ["distance", (point) => at_end(point) ? short(distance(at_end(point))) : "", "n"],
  ["where, why", (point) => point.reason || point.where, "why optional"],
];

function at_end(point) {
  return known.curves.get(point.id)?.rows.at(-1);
}

function table(points) {
  $("points").hidden = !points.length;
  const kind = (given, point) => typeof given === "function" ? (point ? given(point) : "") : given || "";
  const head = node("tr", {});
  for (const [title, , given] of COLUMNS) {
    node("th", {class: kind(given).replace("why", "")}, head).innerHTML = title;
  }
  $("points").querySelector("thead").replaceChildren(head);
  const order = [...points].sort((one, other) => STATES.indexOf(one.state) - STATES.indexOf(other.state));
  $("points").querySelector("tbody").replaceChildren(...order.map((point) => {
    const row = node("tr", {"data-id": point.id});
    for (const [, cell, given] of COLUMNS) node("td", {class: kind(given, point)}, row, cell(point));
    return row;
  }));
}

function remember() {
  const kept = new URLSearchParams();
  if (known.figure !== null) kept.set("figure", known.figure);
  for (const name of ["name", "state"]) if (view[name]) kept.set(name, view[name]);
  history.replaceState(null, "", `#${kept}`);
}

function theme(dark) {
  document.documentElement.classList.toggle("dark", dark);
}

if (address.has("figure")) known.figure = address.get("figure");
for (const name of ["name", "state"]) {
  view[name] = address.get(name) || "";
  $(name).value = view[name];
  $(name).oninput = () => { view[name] = $(name).value; remember(); draw(); };
}
$("filter").onsubmit = (event) => event.preventDefault();
$("exact").onchange = draw;
$("theme").onclick = () => theme(!document.documentElement.classList.contains("dark"));
theme(address.get("theme") ? address.get("theme") === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
ask();
