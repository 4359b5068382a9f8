// What opens over the page: faults, export, reset, help, and the question for the token.

import { ask, blob, hasToken, url } from './api.js'
import { byId, h, several, toast } from './dom.js'
import { written } from './filter.js'
import { faultText } from './row.js'

let hears = { filter: () => new Map(), onReset: () => {}, onTerm: () => {} }

const DOES = new Map([
  ['status', { label: 'Answer a status', fields: [['status', 'Status', '503', 'number'], ['retry_after', 'Retry-After, s', '', 'number']] }],
  ['delay', { label: 'Answer late', fields: [['delay', 'Seconds', '1', 'number']] }],
  ['drop', { label: 'Drop the connection', fields: [['drop', 'How', ['reset', 'close', 'truncate']]] }],
  ['rate', { label: 'Limit the rate', fields: [['rate', 'Calls', '10', 'number'], ['per', 'in seconds', '1', 'number']] }],
])
const KINDS = ['', 'identify', 'group', 'track', 'page', 'screen', 'alias']

export function build(given) {
  hears = given
  byId('faults-open').addEventListener('click', faults)
  byId('export-open').addEventListener('click', exporting)
  byId('reset-open').addEventListener('click', reset)
  byId('help-open').addEventListener('click', help)
  const dialog = byId('dialog')
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close() })
}

const workspace = () => hears.filter().get('workspace')
const scope = () => (workspace() === undefined ? [] : [['workspace', workspace()]])

function show(title, ...children) {
  const dialog = byId('dialog')
  dialog.replaceChildren(h('header', {}, h('h2', { id: 'dialog-title' }, title), h('button', { type: 'button', class: 'close', 'aria-label': 'Close', click: () => dialog.close() }, '×')), ...children)
  if (!dialog.open) dialog.showModal()
  return dialog
}

/** How many faults are planned, beside their button. */
export async function countFaults() {
  const { faults: planned } = await ask('/_mock/faults', { query: scope() }).catch(() => ({ faults: null }))
  if (planned === null) return
  const badge = byId('faults-count')
  badge.hidden = planned.length === 0
  badge.textContent = planned.length
}

async function faults() {
  const list = h('ul', { class: 'planned' })
  const error = h('p', { class: 'error', role: 'alert' })
  const where = workspace() ? `in ${workspace()}` : 'in every workspace'
  show('Faults', h('p', { class: 'lead' }, `What shall go wrong ${where}. The first fault that fits a call strikes.`), list, planForm(error, refresh), error)
  async function refresh() {
    const { faults: planned } = await ask('/_mock/faults', { query: scope() })
    list.replaceChildren(...planned.map((fault) => h('li', {}, h('span', {}, h('strong', {}, faultText(fault)), ` ${conditions(fault)}`),
      h('button', { type: 'button', 'aria-label': `Drop: ${faultText(fault)}`, click: async () => { await ask(`/_mock/faults/${fault.id}`, { method: 'DELETE' }).catch(() => {}); refresh() } }, 'Drop'))))
    if (planned.length === 0) list.append(h('li', { class: 'none' }, 'None is planned: all goes well.'))
    else if (planned.length > 1) list.append(h('li', {}, h('span'), h('button', { type: 'button', click: async () => { await ask('/_mock/faults', { method: 'DELETE', query: scope() }); refresh() } }, 'Drop all')))
    countFaults()
  }
  await refresh()
}

function conditions(fault) {
  const said = []
  if (fault.rate === undefined) said.push(fault.times === null ? 'until reset' : `${several(fault.times - fault.struck, 'time')} more`)
  if (fault.kind) said.push(`on ${fault.kind}`)
  if (fault.path) said.push(`at ${fault.path}`)
  if (fault.after) said.push(`after ${several(fault.after, 'call')}`)
  if (fault.probability !== undefined) said.push(`with probability ${fault.probability}`)
  if (fault.when === 'after') said.push('though accepted')
  if (fault.workspace) said.push(`in ${fault.workspace}`)
  return [said.join(', '), `has struck ${several(fault.struck, 'time')}`].filter(Boolean).join('; ')
}

function planForm(error, onPlanned) {
  const choice = h('select', { id: 'fault-does' }, [...DOES].map(([name, { label }]) => h('option', { value: name }, label)))
  const own = h('div', { class: 'fields' })
  const field = (name, label, initial, type = 'text') => {
    const id = `fault-${name}`
    const control = Array.isArray(initial)
      ? h('select', { id, name }, initial.map((value) => h('option', { value }, value || 'any')))
      : h('input', { id, name, type, value: initial, inputmode: type === 'number' ? 'decimal' : null, step: 'any', min: '0' })
    return h('div', { class: 'field' }, h('label', { for: id }, label), control)
  }
  const common = h('div', { class: 'fields' }, field('kind', 'Kind', KINDS), field('path', 'Path', ''), field('times', 'Times, or empty', '1', 'number'), field('after', 'After calls', '', 'number'))
  const change = () => {
    own.replaceChildren(...DOES.get(choice.value).fields.map((each) => field(...each)))
    common.querySelector('#fault-times').closest('.field').hidden = choice.value === 'rate'
  }
  choice.addEventListener('change', change)
  change()
  const form = h('form', { class: 'plan', submit: async (event) => {
    event.preventDefault()
    error.textContent = ''
    try {
      await ask('/_mock/faults', { method: 'POST', json: fault(form, choice.value), query: scope() })
      await onPlanned()
      toast('Planned')
    } catch (refused) {
      error.textContent = refused.message
    }
  } }, h('h3', {}, 'Plan one'), h('div', { class: 'field' }, h('label', { for: 'fault-does' }, 'It shall'), choice), own, common, h('button', { type: 'submit', class: 'main-button' }, 'Plan it'))
  return form
}

/** What a form says, as the control API takes it. */
function fault(form, does) {
  const said = {}
  for (const { name, type, value } of form.querySelectorAll('[name]')) {
    if (name === 'times') {
      if (does !== 'rate') said.times = value === '' ? null : Number(value)
    } else if (value !== '') said[name] = type === 'number' ? Number(value) : value
  }
  return said
}

function exporting() {
  const filter = hears.filter()
  const said = written(filter)
  const link = (format, label) => {
    const address = url('/_mock/export', [...filter, ['format', format]])
    const name = `mock-june.${format}`
    if (!hasToken()) return h('a', { class: 'choice', href: address, download: name }, label)
    return h('button', { type: 'button', class: 'choice', click: async () => save(await blob(address), name) }, label)
  }
  show('Export', h('p', { class: 'lead' }, said || workspace() ? `What holds ${[said, workspace()].filter(Boolean).join(', in ')}.` : 'The whole record.'),
    link('jsonl', [h('strong', {}, 'JSON Lines'), h('span', {}, 'each event’s payload on a line, as it came: to check and to send again')]),
    link('har', [h('strong', {}, 'HAR'), h('span', {}, 'each call with its request and answer: for browsers’ network panels and other tools')]))
}

function save(file, name) {
  const link = h('a', { href: URL.createObjectURL(file), download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

async function reset() {
  const { workspaces } = await ask('/_mock/workspaces').catch(() => ({ workspaces: [] }))
  const own = workspace()
  const health = own ? workspaces.find((each) => each.workspace === own) : await ask('/_mock/health').catch(() => null)
  const what = `${several(health?.calls ?? 0, 'call')} with ${several(health?.events ?? 0, 'event')}, and the planned faults`
  const dialog = show('Reset', h('p', { class: 'lead' }, `This forgets ${what}, `, own ? `of the workspace ${own}.` : 'of every workspace.', ' It cannot be undone.'),
    h('div', { class: 'buttons' },
      h('button', { type: 'button', click: () => byId('dialog').close() }, 'Keep them'),
      h('button', { type: 'button', class: 'danger', click: async () => {
        await ask('/_mock/reset', { method: 'POST', query: scope() })
        dialog.close()
        toast('Reset')
        countFaults()
        hears.onReset()
      } }, 'Reset')))
}

export function help() {
  const keys = [['/', 'filter'], ['j  k', 'next, previous'], ['enter', 'open'], ['esc', 'close'], ['p', 'pause, resume'], ['n', 'to the newest'], ['?', 'this']]
  const terms = ['kind:track', 'accepted:false', 'rule:*.timestamp.*', 'userId:42', 'groupId:A', 'anonymousId:a-1', 'event:"Signed up"', 'path:/sdk/*']
  show('Help', h('div', { class: 'columns' },
    h('section', {}, h('h3', {}, 'Keys'), h('dl', { class: 'keys' }, keys.map(([key, does]) => [h('dt', {}, key.split('  ').map((each) => h('kbd', {}, each))), h('dd', {}, does)]))),
    h('section', {}, h('h3', {}, 'Filter'), h('p', {}, 'Names and values, all of which must hold; the same as the control API’s parameters, and in this page’s address.'),
      h('ul', { class: 'terms' }, terms.map((term) => h('li', {}, h('button', { type: 'button', 'aria-label': `Filter: ${term}`, click: () => { byId('dialog').close(); hears.onTerm(term) } }, h('code', {}, term))))))),
    h('p', { class: 'more' }, h('a', { href: '/openapi.json' }, 'The control API'), ' has all of this for programs; ', h('code', {}, 'mock-june calls'), ' for terminals.'))
}

/** Asks for the token; `wrong`: the one that was given is refused. Resolves with it. */
export function token(wrong) {
  return new Promise((done) => {
    const input = h('input', { id: 'token', type: 'password', autocomplete: 'off', 'aria-describedby': 'token-error' })
    const dialog = show('Token', h('p', { class: 'lead' }, 'This fake is open to more than this machine, so its record wants the token that it printed at its start.'),
      h('form', { class: 'plan', submit: (event) => { event.preventDefault(); if (!input.value) return; dialog.removeEventListener('close', again); dialog.close(); done(input.value.trim()) } },
        h('div', { class: 'field' }, h('label', { for: 'token' }, 'Token'), input), h('p', { id: 'token-error', class: 'error', role: 'alert' }, wrong ? 'That is not the token.' : ''),
        h('button', { type: 'submit', class: 'main-button' }, 'Open')))
    dialog.querySelector('.close').remove()
    const again = () => { if (!dialog.open) dialog.showModal() } // without it there is nothing to see
    dialog.addEventListener('close', again)
    input.focus()
  })
}
