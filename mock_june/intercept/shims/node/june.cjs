// Loaded by NODE_OPTIONS into each Node under `mock-june run`: connections to June's hosts go to the relay instead, whoever opens them.
// All of Node's clients (http, https, fetch, http2, tls) open theirs by this one method. Names are not resolved here, so June's is never asked for.
'use strict'

const net = require('node:net')

const [host, port] = (process.env.MOCK_JUNE_RELAY || '').split(':')
const carriesAll = process.env.MOCK_JUNE_CARRY === '1'
const toJune = /(^|\.)(june\.so|segment\.io)$/
const own = /^(localhost|.*\.localhost|127\..*|0\.0\.0\.0|::1?|::ffff:127\..*)$/

// Whether the relay is to have the connection: those to June always (to Segment too: it refuses them), and where the guard has closed
// the direct way those to any other host on the two closed ports, which the relay passes on by the name in TLS or in the Host header.
function isForTheRelay (wanted, number) {
  const name = String(wanted || 'localhost').replace(/\.$/, '').toLowerCase()
  return toJune.test(name) || (carriesAll && (number === 443 || number === 80) && !own.test(name))
}

// `args` as net.Socket#connect takes them (path | port, host | options), or one array of them that net.connect has put in order.
function redirected (args) {
  const ordered = Array.isArray(args[0])
  const list = ordered ? args[0] : args
  const options = typeof list[0] === 'object' && list[0] !== null ? list[0] : { port: list[0], host: typeof list[1] === 'string' ? list[1] : undefined }
  if (options.path || !isForTheRelay(options.host, Number(options.port))) return args
  const there = { ...options, host, port: Number(port), family: 4 }
  for (const name of ['lookup', 'hints', 'localAddress', 'localPort', 'autoSelectFamily']) delete there[name]
  if (!ordered) return [there, ...list.filter(each => typeof each === 'function')]
  const copy = Object.assign([], list) // with the mark that it is in order
  copy[0] = there
  return [copy]
}

if (port) {
  const connect = net.Socket.prototype.connect
  net.Socket.prototype.connect = function (...args) {
    return connect.apply(this, redirected(args))
  }
}
