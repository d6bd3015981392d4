/** A representation of a page with its bodies ready to send. */
export interface Representation {
  /** Exactly what Content-Type says. */
  readonly contentType: string;
  readonly identity: Body;
  readonly gzip: Body;
  readonly zstd: Body;
}

export interface Body {
  readonly bytes: Buffer;
  /** Strong, with quotes; distinct per format and coding, stable across restarts for the same source. */
  readonly etag: string;
}
