import { createLog } from '../../../src/telemetry/log.ts';

// Writes as many lines as it is told, then ends by itself; says on standard output when it is about to.

const log = createLog({ level: 'info', format: 'json' });
const lines = Number(process.argv[2]);
for (let at = 0; at < lines; at++) log.info(`line ${at}`, { filler: 'x'.repeat(500) });
await log.flush();
log.info('last');
process.stdout.write(`${JSON.stringify({ dropped: log.dropped() })}\n`);
