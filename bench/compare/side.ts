/** One build under measure. Its figures are taken in turns with the other build's, in the order of the map. */
export interface Side {
  readonly figures: ReadonlyMap<string, () => Promise<number>>;
  stop(): Promise<void>;
}

/** Measures that share a process, which is started anew for each round. */
export interface Group {
  /** Where the program of a build is `program`; the directory is empty, and that build's alone for this round. */
  open(program: string, directory: string): Promise<Side>;
  close(): Promise<void>;
}
