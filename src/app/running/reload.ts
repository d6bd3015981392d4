import type { Config } from '../../config/config.ts';
import type { Access } from '../../http/access/access.ts';
import type { RunningServer } from '../../http/server.ts';
import type { Log } from '../../telemetry/log.ts';
import type { MirrorConditions } from '../conditions/mirror-conditions.ts';
import { accessListOf, certificateOf } from '../server-files.ts';

interface Reloaded {
  readonly config: Config;
  readonly conditions: Pick<MirrorConditions, 'reload'>;
  readonly server: Pick<RunningServer, 'useCertificate'> | undefined;
  readonly access: Pick<Access, 'replace'> | undefined;
  readonly log: Log;
  /** Of several processes that read the same files one says so. */
  readonly tells: boolean;
}

/** Reads the certificate, the users and the tokens again; what is unusable is logged, and the old stays. */
export function readAgain({ config, conditions, server, access, log, tells }: Reloaded): void {
  const said = { event: 'reloaded' };
  const say = (message: string) => (tells ? log.info(message, said) : log.debug(message, said));
  try {
    const next = { certificate: certificateOf(config.server), readers: accessListOf(config.server) };
    // Files that are not read again may have other permissions now.
    void conditions.reload(next.certificate);
    if (next.certificate === undefined && next.readers === undefined) {
      say('there is nothing to read again: no certificate, users or tokens (server.tls, server.auth)');
      return;
    }
    if (next.certificate !== undefined) server?.useCertificate(next.certificate);
    if (next.readers !== undefined) access?.replace(next.readers);
    say('certificate, users and tokens were read again');
  } catch (error) {
    // Also of one of several: the others may have read it.
    log.error(`nothing was changed: ${error instanceof Error ? error.message : String(error)}`, said);
  }
}
