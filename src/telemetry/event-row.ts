import type { Label } from './labels.ts';
import type { Fields, Level } from './log.ts';

/** How one kind of event is told. */
export interface Row<E> {
  readonly counter: {
    readonly name: string;
    readonly help: string;
    /** By name, in the order of `values`. `index` is one of the configured. */
    readonly labels: Readonly<Record<string, Label | 'index'>>;
    /** By label, the values that have a series of 0 from the start, so that a rate sees the first event: all where a label is not named. */
    readonly zeros?: Readonly<Record<string, readonly string[]>> | undefined;
    values(event: E): readonly string[];
  };
  /** The log's field `event`. */
  readonly word: string;
  /** Undefined: counted only. */
  level(event: E): Level | undefined;
  line(event: E): { readonly message: string; readonly fields: Fields };
}
