import type { Config } from '../../config/config.ts';
import type { SentFile } from '../../http/exchange.ts';
import { partyOf, siteOf } from '../../http/party.ts';
import type { Composition } from '../compose.ts';

interface Recording {
  readonly config: {
    readonly cache: Pick<Config['cache'], 'accessAddresses'>;
    readonly server: { readonly auth: Pick<NonNullable<Config['server']['auth']>, 'recordNames'> | undefined };
  };
  readonly composition: Pick<Composition, 'fetched' | 'clock'>;
}

/** Writes down who is sent which file, with as much of the address and of who reads as the configuration lets. Never rejects. */
export function recordSent({ config, composition }: Recording, sent: SentFile): Promise<void> {
  const { index, project, filename: file, sha256 } = sent;
  const client = config.cache.accessAddresses === 'truncated' ? siteOf(sent.client) : sent.client;
  const reader = config.server.auth?.recordNames === true ? sent.reader : undefined;
  const shared = reader ?? (client === sent.client ? partyOf(client) : client);
  const party = shared === client ? undefined : shared;
  const at = composition.clock.now();
  return composition.fetched.record({ at, client, party, reader, index, project, file, sha256 });
}
