import { openChannel } from '../../../../src/app/processes/channel.ts';

// Says something to a supervisor that it has left.

const channel = openChannel({ onMessage: () => undefined, onGone: () => undefined });
channel?.close();
process.stdout.write(String(channel?.send({ kind: 'stopping' })));
