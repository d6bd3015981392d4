import type { Config } from '../../config/config.ts';
import { policiesAgain } from '../../config/policy/again.ts';
import type { Access } from '../../http/access/access.ts';
import type { RunningServer } from '../../http/server.ts';
import type { Emit } from '../../ports/events.ts';
import type { MirrorConditions } from '../conditions/mirror-conditions.ts';
import type { PolicyFiles } from '../policy/policy-files.ts';
import { accessListOf, certificateOf } from '../server-files.ts';

interface Reloaded {
  readonly config: Config;
  readonly conditions: Pick<MirrorConditions, 'reload'>;
  readonly server: Pick<RunningServer, 'useCertificate'> | undefined;
  readonly access: Pick<Access, 'replace'> | undefined;
  readonly policyFiles: Pick<PolicyFiles, 'use'>;
  readonly emit: Emit;
  /** Of several processes that read the same files one says so. */
  readonly tells: boolean;
}

/** Reads the certificate, the users, the tokens and policies again: all of them, or where one is unusable none, and the old stay. */
export function readAgain({ config, conditions, server, access, policyFiles, emit, tells }: Reloaded): void {
  try {
    const certificate = certificateOf(config.server);
    const readers = accessListOf(config.server);
    const policies = policiesAgain(config);
    // Files that are not read again may have other permissions now.
    void conditions.reload(certificate);
    policyFiles.use(policies);
    if (certificate !== undefined) server?.useCertificate(certificate);
    if (readers !== undefined) access?.replace(readers);
    const read = [
      ...(certificate === undefined ? [] : ['the certificate']),
      ...(readers === undefined ? [] : ['users and tokens']),
      ...[...policies.keys()].map((index) => `the policy of ${index}`),
    ];
    emit({ name: 'reloaded', read, quiet: !tells });
  } catch (error) {
    // Also of one of several: the others may have read it.
    emit({ name: 'reloaded', read: [], error });
  }
}
