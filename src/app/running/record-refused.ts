import type { RefusedRequest } from '../../http/exchange.ts';
import type { Composition } from '../compose.ts';
import { askedBy, type Discretion } from './asked-by.ts';

interface Recording {
  readonly config: Discretion;
  readonly composition: Pick<Composition, 'requests' | 'clock'>;
}

/** Counts who was refused what by which rule. */
export function recordRefused({ config, composition }: Recording, refused: RefusedRequest): void {
  const { index, project, file, rule, sentence } = refused;
  const { party: client } = askedBy(config, refused);
  composition.requests.note({ at: composition.clock.now(), client, index, project, file, rule, sentence });
}
