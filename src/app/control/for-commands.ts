import type { Config } from '../../config/config.ts';
import type { Volume } from '../../disk/volume.ts';
import type { Emit } from '../../ports/events.ts';
import type { Log } from '../../telemetry/log.ts';
import { type ControlSocket, type Handle, listenForControl } from './listen.ts';

interface ForCommands {
  readonly config: Pick<Config, 'data'>;
  readonly volume: Volume;
  readonly emit: Emit;
  readonly log: Log;
}

/** Commands beside this server speak to it; without that it serves all the same, and says so. */
export async function listenForCommands(
  { config, volume, emit, log }: ForCommands,
  handle: Handle,
): Promise<ControlSocket | undefined> {
  try {
    return await listenForControl(volume, handle, (error) => emit({ name: 'faulted', at: 'answer', error }));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log.warn(
      `commands cannot speak to this server, and it follows what they do at a page's next refresh: there is no control socket in ${config.data} (${why})`,
      { event: 'started' },
    );
    return undefined;
  }
}
