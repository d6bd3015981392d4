import type { Digests } from '../bytes/digest.ts';

/** How an index names its targets and where upstream keeps them (DESIGN §5 "Layout presets"). Pure. */
export interface IndexLayout {
  readonly name: string;
  /** The target that is a project's page; undefined where the layout has no pages. */
  pageTarget(project: string): string | undefined;
  /** The target that is a file of a page, where its path can be told from the link. */
  fileTarget(file: {
    readonly project: string;
    readonly filename: string;
    readonly content?: { readonly aa: string; readonly bb: string; readonly rest: string } | undefined;
  }): string | undefined;
  readonly listTarget: string | undefined;
  /** Where a target may be fetched, best first. A wrong candidate cannot hurt: bytes are proved. */
  urls(target: string, digests: Digests, consistentSnapshot: boolean): readonly string[];
  /** What links of a project's page are relative to. */
  pageUrl(project: string): string;
}
