'use strict';
// Drawing and small parts that the pages of reports and of sweeps have in common.
const $ = id => document.getElementById(id);
const number = (v, digits = 3) => v === null || v === undefined ? '' : v.toLocaleString('en', {maximumFractionDigits: digits});
const tipBox = document.body.appendChild(document.createElement('div'));
tipBox.id = 'tip';

function element(tag, attributes, parent, text) {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const k in attributes) if (attributes[k] !== null && attributes[k] !== undefined) e.setAttribute(k, attributes[k]);
  if (text !== undefined) e.textContent = text;
  parent.appendChild(e);
  return e;
}
function showTip(event, text) {
  tipBox.textContent = text;
  tipBox.style.display = 'block';
  tipBox.style.left = Math.max(0, Math.min(event.clientX + 14, innerWidth - tipBox.offsetWidth - 8)) + 'px';
  tipBox.style.top = Math.max(0, Math.min(event.clientY + 14, innerHeight - tipBox.offsetHeight - 8)) + 'px';
}
function hideTip() { tipBox.style.display = 'none'; }
function hoverable(e, text) {
  e.addEventListener('mousemove', event => showTip(event, text()));
  e.addEventListener('mouseleave', hideTip);
}
// from values to places, with round ticks; logarithmic where the values span decades
function scale(values, low, high) {
  let a = Infinity, b = -Infinity;
  for (const v of values) { if (v < a) a = v; if (v > b) b = v; }
  const log = a > 0 && b / a > 30, into = log ? Math.log10 : v => v;
  if (!(b > a)) { const pad = Math.abs(a) * 0.05 || 1; a -= pad; b += pad; }
  let from = into(a), to = into(b);
  const pad = (to - from) * 0.05; from -= pad; to += pad;
  const f = v => low + (into(v) - from) / (to - from) * (high - low);
  f.log = log; f.ticks = [];
  if (log) {
    const steps = to - from > 3 ? [1] : to - from > 1.7 ? [1, 3] : [1, 2, 5];
    for (let p = Math.floor(from); p <= to; p++) for (const m of steps) { const t = m * Math.pow(10, p); if (into(t) >= from && into(t) <= to) f.ticks.push(t); }
    return f;
  }
  const rough = (to - from) / 6, ten = Math.pow(10, Math.floor(Math.log10(rough)));
  const step = [1, 2, 5, 10].map(m => m * ten).find(s => s >= rough);
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) f.ticks.push(Math.abs(t) < step * 1e-9 ? 0 : t);
  return f;
}
// points that no other beats in x and y, from left to right; of equal ones all
function front(points, xBetter, yBetter) {
  const sx = xBetter === 'higher' ? -1 : 1, sy = yBetter === 'higher' ? -1 : 1;
  const sorted = [...points].sort((a, b) => sx * (a.x - b.x) || sy * (a.y - b.y));
  const kept = [];
  let best = Infinity, last = null;
  for (const p of sorted) {
    if (sy * p.y < best) { best = sy * p.y; last = p; kept.push(p); } else if (last && p.x === last.x && p.y === last.y) kept.push(p);
  }
  return kept.sort((a, b) => a.x - b.x || a.y - b.y);
}
// points {id, x, y, fill, best, chosen, faint} on two axes {title}; line: what the dashed line joins
function scatter(plot, points, x, y, {line = [], diagonal = false, tip, choose, empty}) {
  const [width, height] = plot.getAttribute('viewBox').split(' ').slice(2).map(Number);
  const left = 72, right = width - 15, top = 15, bottom = height - 50;
  plot.replaceChildren();
  if (!points.length) { element('text', {x: width / 2, y: height / 2, 'text-anchor': 'middle'}, plot, empty); return; }
  const xs = points.map(d => d.x), ys = points.map(d => d.y), both = diagonal ? [...xs, ...ys] : null;
  const sx = scale(both || xs, left, right), sy = scale(both || ys, bottom, top);
  for (const t of sx.ticks) { element('line', {class: 'grid', x1: sx(t), x2: sx(t), y1: top, y2: bottom}, plot); element('text', {x: sx(t), y: bottom + 18, 'text-anchor': 'middle'}, plot, number(t)); }
  for (const t of sy.ticks) { element('line', {class: 'grid', x1: left, x2: right, y1: sy(t), y2: sy(t)}, plot); element('text', {x: left - 8, y: sy(t) + 4, 'text-anchor': 'end'}, plot, number(t)); }
  element('text', {class: 'axis', x: (left + right) / 2, y: height - 8, 'text-anchor': 'middle'}, plot, x.title + (sx.log ? ' (logarithmic)' : ''));
  element('text', {class: 'axis', transform: 'translate(14 ' + (top + bottom) / 2 + ') rotate(-90)', 'text-anchor': 'middle'}, plot, y.title + (sy.log ? ' (logarithmic)' : ''));
  if (diagonal) { const a = Math.min(...both), b = Math.max(...both); element('line', {class: 'diagonal', x1: sx(a), y1: sy(a), x2: sx(b), y2: sy(b)}, plot); }
  element('path', {class: 'front', d: line.map((d, k) => (k ? 'L' : 'M') + sx(d.x).toFixed(1) + ' ' + sy(d.y).toFixed(1)).join('')}, plot);
  const rank = d => (d.best ? 1 : 0) + (d.chosen ? 2 : 0);
  for (const d of [...points].sort((a, b) => rank(a) - rank(b))) {
    const dot = element('circle', {cx: sx(d.x).toFixed(1), cy: sy(d.y).toFixed(1), r: d.best ? 7 : 5, fill: d.fill, tabindex: 0, 'data-point': d.id}, plot);
    dot.classList.toggle('best', !!d.best); dot.classList.toggle('chosen', !!d.chosen); dot.classList.toggle('faint', !!d.faint);
    hoverable(dot, () => tip(d));
    dot.addEventListener('click', () => choose(d)); dot.addEventListener('keydown', e => { if (e.key === 'Enter') choose(d); });
  }
}
// a colour between blue and orange for a share of 0 to 1
const shade = share => 'hsl(' + (215 - 175 * share).toFixed(0) + ' 70% 52%)';
function tableLine(table, cells, numbers) {
  const row = table.insertRow();
  cells.forEach((text, k) => { const cell = row.insertCell(); cell.textContent = text; if (numbers.includes(k)) cell.className = 'n'; });
  return row;
}
