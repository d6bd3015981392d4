/** A half-open byte range [start, end). */
export interface Range {
  readonly start: number;
  readonly end: number;
}
