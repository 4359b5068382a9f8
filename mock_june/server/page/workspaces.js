// The choice of a workspace, by its name: the masked key and a mark that tells two keys of one beginning apart.

import { ask } from './api.js'
import { byId, h, number } from './dom.js'

let chosen = ''

/** `onChoose(workspace)`, '' for all. */
export function build(onChoose) {
  const select = byId('workspace')
  select.addEventListener('change', () => onChoose(select.value))
  for (const event of ['focus', 'pointerdown']) select.addEventListener(event, refresh)
  refresh()
}

/** Shows which one is chosen. */
export function choose(workspace) {
  chosen = workspace
  const select = byId('workspace')
  if (workspace && ![...select.options].some((option) => option.value === workspace)) select.append(h('option', { value: workspace }, workspace))
  select.value = workspace
}

async function refresh() {
  const { workspaces } = await ask('/_mock/workspaces').catch(() => ({ workspaces: [] }))
  const select = byId('workspace')
  const options = workspaces.map(({ workspace, calls, rejected }) => {
    const label = `${workspace} · ${number(calls)}${rejected ? `, ${number(rejected)} rejected` : ''}`
    return h('option', { value: workspace }, label)
  })
  select.replaceChildren(h('option', { value: '' }, 'All workspaces'), ...options)
  choose(chosen)
}
