// Bluesky's own servers on this machine (PLC, PDS, AppView, Ozone, Bsync) and a Jetstream host on top of the PDS's
// firehose. Prints one JSON line with the addresses when all are ready, and stops at SIGTERM.
import net from 'node:net'
import { serveJetstream } from './jetstream.mjs'

// The servers of dev-env listen on every interface; here a port without an address is one of loopback.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (first, ...rest) {
  if (typeof first === 'object' && first !== null && 'port' in first && !first.host) {
    return listen.call(this, { ...first, host: 'localhost' }, ...rest)
  }
  const bare = ['number', 'string'].includes(typeof first) && /^\d+$/.test(first) && typeof rest[0] !== 'string'
  return bare ? listen.call(this, first, 'localhost', ...rest) : listen.call(this, first, ...rest)
}

const { TestNetwork } = await import('@atproto/dev-env')
const network = await TestNetwork.create({
  dbPostgresSchema: 'proof',
  pds: { hostname: 'localhost', enableDidDocWithSession: true },
})
const jetstream = await serveJetstream(network.pds.url.replace('http', 'ws'), network.plc.url)
const stop = async () => {
  jetstream.close()
  await network.close()
  process.exit(0)
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
console.log(JSON.stringify({ pds: network.pds.url, appview: network.bsky.url, jetstream: jetstream.url }))
