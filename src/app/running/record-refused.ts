import type { RefusedRequest } from '../../http/exchange.ts';
import type { Composition } from '../compose.ts';
import { askedBy, type Discretion } from './asked-by.ts';

interface Recording {
  readonly config: Discretion;
  readonly composition: {
    readonly requests: Pick<Composition['requests'], 'note'>;
    readonly clock: Pick<Composition['clock'], 'now'>;
  };
}

/** Counts who was refused what by which rule. */
export function recordRefused({ config, composition }: Recording, refused: RefusedRequest): void {
  const { index, project, file, rule, sentence, until } = refused;
  const { party: client } = askedBy(config, refused);
  const at = composition.clock.now();
  composition.requests.note({ at, client, index, project, file, rule, sentence, until });
}
