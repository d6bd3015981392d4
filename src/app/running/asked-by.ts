import type { Config } from '../../config/config.ts';
import { partyOf, siteOf } from '../../http/party.ts';

/** How much of those who ask may be written down. */
export interface Discretion {
  readonly cache: Pick<Config['cache'], 'accessAddresses'>;
  readonly server: { readonly auth: Pick<NonNullable<Config['server']['auth']>, 'recordNames'> | undefined };
}

/** Who asks, as it may be written down. */
export interface AskedBy {
  readonly client: string;
  readonly reader: string | undefined;
  /** Whom both stand for: who has most records loses them first. */
  readonly party: string;
}

/** With as much of the address and of who reads as the configuration lets. */
export function askedBy(
  { cache, server }: Discretion,
  asking: { readonly client: string; readonly reader?: string | undefined },
): AskedBy {
  const client = cache.accessAddresses === 'truncated' ? siteOf(asking.client) : asking.client;
  const reader = server.auth?.recordNames === true ? asking.reader : undefined;
  return { client, reader, party: reader ?? (client === asking.client ? partyOf(client) : client) };
}
