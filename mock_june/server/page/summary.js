// What the record amounts to: counters, a chart over time, bars by kind and by rule. A click filters.

import { byId, h, number, several, svg } from './dom.js'

const HEIGHT = 44
const WIDTH = 240

let pick = () => {}
const cells = new Map()
const chart = svg('svg', { class: 'chart', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' })

/** Builds the parts once. `onPick(name, value)`: something was clicked that filters. */
export function build(onPick) {
  pick = onPick
  const cell = (name, label, value) => {
    const figure = h('strong', {}, '0')
    const words = [figure, h('span', {}, label)]
    const element = value === undefined
      ? h('p', { class: `cell ${name}` }, words)
      : h('button', { type: 'button', class: `cell ${name}`, 'aria-pressed': 'false', click: () => pick('accepted', value) }, words)
    cells.set(name, { element, figure, value })
    return element
  }
  byId('summary').append(
    cell('calls', 'calls'), cell('events', 'events'), cell('accepted', 'accepted', 'true'), cell('rejected', 'rejected', 'false'), cell('rate', 'per second'),
    h('figure', { class: 'times' }, chart, h('figcaption', { id: 'times' })),
  )
}

/** Shows the counts of /_mock/stats under a filter. */
export function show(stats, filter) {
  const accepted = filter.get('accepted')
  const chosen = ({ accepted: good, rejected: bad }) => (accepted === 'true' ? good : accepted === 'false' ? bad : good + bad)
  set('calls', chosen(stats.calls))
  set('events', chosen(stats.events))
  set('accepted', stats.calls.accepted)
  set('rejected', stats.calls.rejected)
  cells.get('accepted').element.title = `${several(stats.calls.accepted, 'call')} with ${several(stats.events.accepted, 'event')}`
  cells.get('rejected').element.title = `${several(stats.calls.rejected, 'call')} with ${several(stats.events.rejected, 'event')}`
  for (const { element, value } of cells.values()) if (value !== undefined) element.setAttribute('aria-pressed', String(accepted === value))
  drawTimes(stats.times)
  const kinds = stats.kinds.map(({ kind, accepted: good, rejected: bad }) => ({ value: kind, count: good + bad, part: bad, title: `${number(good)} accepted, ${number(bad)} rejected` }))
  drawBars('kinds', 'kind', kinds, filter.get('kind'))
  const rules = stats.rules.map(({ rule, count, severity }) => ({ value: rule, count, severity, part: severity === 'warning' ? 0 : count, title: rule }))
  drawBars('rules', 'rule', rules.filter((rule) => rule.severity !== 'warning'), filter.get('rule'))
  const warnings = rules.filter((rule) => rule.severity === 'warning')
  drawBars('warnings', 'rule', warnings, filter.get('rule'))
  byId('warnings').parentElement.hidden = warnings.length === 0
}

/** Shows how many entries a second come now. */
export function showRate(rate) {
  set('rate', rate < 10 ? Math.round(rate * 10) / 10 : Math.round(rate))
}

function set(name, value) {
  const { figure } = cells.get(name)
  const text = number(value)
  if (figure.textContent !== text) figure.textContent = text
}

function drawTimes(times) {
  const caption = byId('times')
  if (!times) {
    chart.replaceChildren()
    chart.setAttribute('aria-label', 'No calls yet')
    caption.textContent = ''
    return
  }
  const sums = times.accepted.map((good, index) => good + times.rejected[index])
  const most = Math.max(1, ...sums)
  const count = Math.max(sums.length, 40)
  const wide = WIDTH / count
  const bar = (name, index, value, below) => svg('rect', {
    class: name, x: (count - sums.length + index) * wide, width: Math.max(wide - 1, 0.5), y: HEIGHT - ((value + below) / most) * HEIGHT, height: (value / most) * HEIGHT,
  })
  chart.replaceChildren(...sums.flatMap((_, index) => [
    times.accepted[index] > 0 && bar('good', index, times.accepted[index], 0),
    times.rejected[index] > 0 && bar('bad', index, times.rejected[index], times.accepted[index]),
  ].filter(Boolean)))
  const total = sums.reduce((sum, one) => sum + one, 0)
  const bad = times.rejected.reduce((sum, one) => sum + one, 0)
  chart.setAttribute('aria-label', `${number(total)} entries since ${times.start}, ${number(bad)} of them rejected; at most ${number(most)} in ${stretch(times.step_s)}`)
  caption.textContent = `since ${times.start.slice(11, 19)} · peak ${number(most)} in ${stretch(times.step_s)}`
}

const stretch = (seconds) => (seconds < 60 ? `${seconds} s` : seconds < 3600 ? `${seconds / 60} min` : seconds < 86400 ? `${seconds / 3600} h` : `${seconds / 86400} d`)

function drawBars(id, name, bars, chosen) {
  const most = Math.max(1, ...bars.map((bar) => bar.count))
  if (chosen !== undefined && !bars.some((bar) => bar.value === chosen) && id !== 'warnings') bars.unshift({ value: chosen, count: 0, part: 0, title: chosen, silent: /[*?[]/.test(chosen) })
  const list = byId(id)
  const known = new Map([...list.children].map((item) => [item.value, item]))
  list.replaceChildren(...bars.map((bar) => {
    const item = known.get(bar.value) ?? newBar(name, bar.value)
    const [label, figure, meter] = item.firstChild.children
    label.title = bar.title
    figure.textContent = bar.silent ? '' : number(bar.count)
    meter.firstChild.style.width = `${((bar.count - bar.part) / most) * 100}%`
    meter.lastChild.style.width = `${(bar.part / most) * 100}%`
    item.firstChild.setAttribute('aria-pressed', String(bar.value === chosen))
    return item
  }))
  if (bars.length === 0) list.append(h('li', { class: 'none' }, 'None.'))
}

function newBar(name, value) {
  const item = h('li', {}, h('button', { type: 'button', 'aria-pressed': 'false', click: () => pick(name, value) },
    h('span', { class: 'label' }, ...value.split('.').flatMap((part, place) => (place ? ['.', h('wbr'), part] : [part]))), h('span', { class: 'count' }), h('span', { class: 'meter', 'aria-hidden': 'true' }, h('i', { class: 'good' }), h('i', { class: 'bad' }))))
  item.value = value
  return item
}
