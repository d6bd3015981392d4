import type { SentFile } from '../../http/exchange.ts';
import type { Composition } from '../compose.ts';
import { askedBy, type Discretion } from './asked-by.ts';

interface Recording {
  readonly config: Discretion;
  readonly composition: Pick<Composition, 'fetched' | 'clock'>;
}

/** Writes down who is sent which file. Never rejects. */
export function recordSent({ config, composition }: Recording, sent: SentFile): Promise<void> {
  const { index, project, filename: file, sha256 } = sent;
  const { client, reader, party: shared } = askedBy(config, sent);
  const party = shared === client ? undefined : shared;
  const at = composition.clock.now();
  return composition.fetched.record({ at, client, party, reader, index, project, file, sha256 });
}
