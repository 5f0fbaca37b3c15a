"use strict";
// Small multiples in SVG: frames with inward ticks, one path a point, exact values dashed. No library.

const SVG = "http://www.w3.org/2000/svg";
const BOX = {width: 400, height: 235, left: 46, right: 8, top: 6, bottom: 34};
const MOST = 240; // corners of a path: a longer curve is drawn by the lowest and highest row of every pixel or so
const FEW = 15; // rows of a curve whose end is marked by a dot

function node(name, attributes, parent, text) {
  const made = name.startsWith("svg:") ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

function steps(low, high, most) {
  // round ticks: steps of 1, 2, 2.5 or 5 times a power of ten
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough * 0.9);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) ticks.push(k * step);
  return {ticks, step, small: ticks.concat((ticks.at(-1) ?? low) + step).map((tick) => tick - step / 2)};
}

function decades(low, high) {
  // log axis: `low` and `high` are powers of ten
  const ticks = [], small = [], first = Math.floor(low + 1e-9), last = Math.ceil(high - 1e-9);
  for (let power = first; power <= last; power++) {
    if (power >= low - 1e-9 && power <= high + 1e-9) ticks.push(power);
    for (let digit = 2; digit < 10; digit++) {
      const at = power + Math.log10(digit);
      if (at >= low && at <= high) small.push(at);
    }
  }
  if (ticks.length >= 2) return {ticks: ticks.length > 6 ? ticks.filter((tick) => tick % 2 === 0) : ticks, small};
  const few = []; // less than a decade
  for (let power = first - 1; power <= last; power++) for (const digit of [1, 2, 5]) few.push(power + Math.log10(digit));
  const seen = few.filter((at) => at >= low && at <= high);
  return seen.length >= 2 ? {ticks: seen, small} : {ticks: steps(10 ** low, 10 ** high, 4).ticks.map(Math.log10), small: []};
}

function told(value, log) {
  if (log) {
    const number = 10 ** value;
    if (Math.abs(value - Math.round(value)) < 1e-9 && (value < -2.5 || value > 3.5)) return {base: "10", power: Math.round(value)};
    return {base: String(+number.toPrecision(3))};
  }
  const size = Math.abs(value);
  if (size >= 1e5 || (size > 0 && size < 1e-4)) return {base: (+value.toPrecision(3)).toExponential().replace(/-/g, "\u2212")};
  return {base: String(+value.toPrecision(6)).replace("-", "\u2212")};
}

function scale(values, log, room) {
  let low = Infinity, high = -Infinity;
  for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
  if (low > high) return null;
  const pad = (high - low) * room || (log ? 0.3 : Math.abs(high) * 0.05 || 0.05);
  return {low: low - pad, high: high + pad};
}

function thinned(points) {
  if (points.length <= MOST) return points;
  const kept = [], size = points.length / (MOST / 2);
  for (let start = 0; start < points.length; start += size) {
    const part = points.slice(Math.floor(start), Math.floor(start + size));
    if (!part.length) continue;
    let least = part[0], most = part[0];
    for (const point of part) { if (point[1] < least[1]) least = point; if (point[1] > most[1]) most = point; }
    kept.push(...(least[0] <= most[0] ? [least, most] : [most, least]));
  }
  if (kept.at(-1) !== points.at(-1)) kept.push(points.at(-1));
  return kept;
}

function path(points, x, y) {
  return thinned(points).map((point, k) => (k ? "L" : "M") + x(point[0]).toFixed(1) + " " + y(point[1]).toFixed(1)).join("");
}

// series: [{id, colour, dash, points: [[x, y], ...], exact: [[x, y], ...]}]; everything finite, y > 0 where `log`
function plot(figure, series, {log, xlabel, end, exact}) {
  const {width, height, left, right, top, bottom} = BOX;
  const lift = log ? Math.log10 : (value) => value;
  const ys = [], xs = [];
  for (const one of series) {
    for (const [x, y] of one.points) { xs.push(x); ys.push(lift(y)); }
    if (exact) for (const point of one.exact) ys.push(lift(point[1]));
  }
  const vertical = scale(ys, log, 0.06), svg = node("svg:svg", {viewBox: `0 0 ${width} ${height}`, role: "img"});
  const horizontal = {low: Math.min(0, ...xs.slice(0, 1)), high: Math.max(end || 0, xs.reduce((a, b) => Math.max(a, b), 0)) || 1};
  const x = (value) => left + ((value - horizontal.low) / (horizontal.high - horizontal.low)) * (width - left - right);
  const inside = height - bottom;
  node("svg:rect", {class: "frame", x: left, y: top, width: width - left - right, height: inside - top}, svg);
  if (!vertical) {
    node("svg:text", {x: (left + width - right) / 2, y: (top + inside) / 2, "text-anchor": "middle"}, svg, "nothing yet");
  } else {
    const y = (value) => inside - ((value - vertical.low) / (vertical.high - vertical.low)) * (inside - top);
    axes(svg, horizontal, vertical, x, y, log);
    curves(svg, series, x, (value) => y(lift(value)), exact);
    figure.reach = {x, y: (value) => y(lift(value)), series};
  }
  node("svg:text", {x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle"}, svg, xlabel);
  figure.querySelector("svg")?.remove();
  figure.append(svg);
}

function axes(svg, horizontal, vertical, x, y, log) {
  const {width, height, left, right, top, bottom} = BOX, inside = height - bottom;
  const across = steps(horizontal.low, horizontal.high, 5);
  const up = log ? decades(vertical.low, vertical.high) : steps(vertical.low, vertical.high, 4);
  const ticks = (marks, at, low, high, small) => marks.filter((mark) => mark >= low && mark <= high)
    .map((mark) => at(mark, small ? 2.5 : 5)).join("");
  const vertically = (mark, size) => `M${x(mark)} ${inside}v${-size}M${x(mark)} ${top}v${size}`;
  const sideways = (mark, size) => `M${left} ${y(mark)}h${size}M${width - right} ${y(mark)}h${-size}`;
  for (const small of [false, true]) {
    const d = ticks(small ? across.small : across.ticks, vertically, horizontal.low, horizontal.high, small)
      + ticks(small ? up.small : up.ticks, sideways, vertical.low, vertical.high, small);
    node("svg:path", {class: small ? "tick small" : "tick", d}, svg);
  }
  if (!log && vertical.low < 0 && vertical.high > 0) {
    node("svg:path", {class: "zero", d: `M${left} ${y(0)}H${width - right}`}, svg);
  }
  for (const mark of across.ticks) node("svg:text", {x: x(mark), y: inside + 14, "text-anchor": "middle"}, svg, told(mark).base);
  for (const mark of up.ticks) {
    const {base, power} = told(mark, log);
    const text = node("svg:text", {x: left - 5, y: y(mark) + 4, "text-anchor": "end"}, svg, base);
    if (power !== undefined) node("svg:tspan", {dy: -4, "font-size": 9}, text, String(power).replace("-", "\u2212"));
  }
}

function curves(svg, series, x, y, exact) {
  const drawn = new Map(); // points of one problem share an exact curve: it is drawn once
  for (const one of exact ? series : []) {
    if (!one.exact.length) continue;
    const d = path(one.exact, x, y);
    if (!drawn.has(d)) drawn.set(d, node("svg:path", {class: "exact", d, "data-points": ""}, svg));
    drawn.get(d).dataset.points += one.id + " ";
  }
  for (const one of series) {
    if (!one.points.length) continue;
    const shape = {class: `line k${one.colour} d${one.dash}`, "data-point": one.id, "data-rows": one.points.length};
    node("svg:path", {...shape, d: path(one.points, x, y)}, svg);
    const [lastX, lastY] = one.points.at(-1);
    if (one.running || one.points.length <= FEW) {
      const spot = {class: `end f${one.colour}`, "data-point": one.id, cx: x(lastX), cy: y(lastY), r: one.running ? 3.6 : 2.6};
      node("svg:circle", spot, svg);
    }
  }
}
