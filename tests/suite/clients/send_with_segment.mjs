// Sends through @segment/analytics-node, which is only told the host and the key.
import { Analytics } from '@segment/analytics-node'

const [host, writeKey] = process.argv.slice(2)
const analytics = new Analytics({ writeKey, host })
const failures = []
analytics.on('error', (error) => failures.push(error))
analytics.identify({ userId: 'u1', anonymousId: 'browser-1', traits: { plan: 'pro' } })
analytics.page({ userId: 'u1', category: 'Docs', name: 'Home', properties: { url: 'https://shop.example/' } })
analytics.screen({ userId: 'u1', category: 'App', name: 'Start' })
analytics.group({ userId: 'u1', groupId: 'g1', traits: { name: 'Initech' } })
for (let number = 0; number < 60; number++) {
  analytics.track({
    userId: 'renamed',
    event: 'Order Completed',
    properties: { order_id: String(number), revenue: 1.25, currency: 'USD' },
  })
}
analytics.alias({ userId: 'renamed', previousId: 'u1' })
await analytics.closeAndFlush({ timeout: 20000 })
if (failures.length > 0) {
  console.error(failures)
  process.exit(1)
}
