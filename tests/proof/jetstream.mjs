// A Jetstream host, v1 (/subscribe) and v2 (/xrpc/network.bsky.jetstream.subscribeEvents), fed by a real firehose.
// The official server is Go only. Events are held in memory and stamped with the time of their arrival, as Jetstream
// does; a cursor is inclusive, and account and identity events come whatever collections are wanted.
import { IdResolver } from '@atproto/identity'
import { lexToJson } from '@atproto/lexicon'
import { Firehose } from '@atproto/sync'
import { WebSocketServer } from 'ws'

const V2 = '/xrpc/network.bsky.jetstream.subscribeEvents'
const NAME = 'network.bsky.jetstream.subscribeEvents'

const written = new Set(['create', 'update'])

function seen(event, us) {
  const at = new Date(us / 1000).toISOString().replace('Z', `${String(us % 1000).padStart(3, '0')}Z`)
  const base = { did: event.did, us, at, seq: event.seq }
  if (written.has(event.event) || event.event === 'delete') {
    const { collection, rkey, rev } = event
    const commit = { rev, operation: event.event, collection, rkey }
    if (event.event !== 'delete') Object.assign(commit, { record: lexToJson(event.record), cid: String(event.cid) })
    return { ...base, kind: 'commit', commit }
  }
  if (event.event === 'account') {
    const { did, seq, time, active, status } = event
    return { ...base, kind: 'account', account: { active, did, seq, time, ...(status ? { status } : {}) } }
  }
  if (event.event === 'identity') {
    const { did, seq, time, handle } = event
    return { ...base, kind: 'identity', identity: { did, handle, seq, time } }
  }
  return null
}

function framed(event, number, v2) {
  const { did, us, at, kind } = event
  if (!v2) return { did, time_us: us, kind, [kind]: event[kind] }
  const inside = kind === 'commit' ? event.commit : { [kind]: event[kind] }
  const payload = { $type: `${NAME}#${kind}`, did, seq: number + 1, time: at, witnessed_at: at, ...inside }
  return { $type: 'message', payload }
}

export async function serveJetstream(service, plcUrl) {
  const events = []
  const waiting = new Set()
  const firehose = new Firehose({
    service,
    idResolver: new IdResolver({ plcUrl }),
    unauthenticatedCommits: true,
    unauthenticatedHandles: true,
    getCursor: () => 0,
    onError: (error) => console.error(error),
    handleEvent: (event) => {
      const last = events.at(-1)?.us ?? 0
      const held = seen(event, Math.max(Date.now() * 1000, last + 1))
      if (held === null) return
      events.push(held)
      for (const wake of waiting) wake()
    },
  })
  firehose.start()

  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    handleProtocols: (offered) => (offered.has('xrpc.v1.json') ? 'xrpc.v1.json' : false),
    verifyClient: ({ req }) => ['/subscribe', V2].includes(req.url.split('?')[0]),
  })
  server.on('connection', (socket, request) => {
    const url = new URL(request.url, 'ws://localhost')
    const v2 = url.pathname === V2
    const wanted = url.searchParams.getAll(v2 ? 'collections' : 'wantedCollections')
    const cursor = url.searchParams.get('cursor')
    let next = cursor === null ? events.length : events.findIndex((event) => event.us >= Number(cursor))
    if (next < 0) next = events.length
    const send = () => {
      for (; next < events.length && socket.readyState === socket.OPEN; next += 1) {
        const event = events[next]
        if (event.kind === 'commit' && wanted.length && !wanted.includes(event.commit.collection)) continue
        socket.send(JSON.stringify(framed(event, next, v2)))
      }
    }
    waiting.add(send)
    socket.on('close', () => waiting.delete(send))
    socket.on('error', () => waiting.delete(send))
    send()
  })
  await new Promise((ready) => server.on('listening', ready))
  const close = () => {
    firehose.destroy()
    for (const socket of server.clients) socket.terminate()
    server.close()
  }
  return { url: `ws://127.0.0.1:${server.address().port}`, close }
}
