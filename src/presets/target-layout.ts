import type { ContentPath } from '../bytes/content-path.ts';
import type { Digests } from '../bytes/digest.ts';
import type { Layout } from './layouts.ts';
import { fileTarget, pageBaseUrl, pageTarget, targetUrls } from './targets.ts';

/** How an index names its TUF targets, and where upstream keeps them. Pure. */
export interface TargetLayout {
  readonly name: string;
  /** The target that is a project's page; undefined where the layout has no pages. */
  pageTarget(project: string): string | undefined;
  /** The target that is a file of a page, where its path can be told from the link. */
  fileTarget(file: {
    readonly project: string;
    readonly filename: string;
    readonly content?: ContentPath | undefined;
  }): string | undefined;
  readonly listTarget: string | undefined;
  /** Where a target may be fetched, best first. A wrong candidate cannot hurt: bytes are proved. */
  urls(target: string, digests: Digests, consistentSnapshot: boolean): readonly string[];
  /** What links of a project's page are relative to. */
  pageUrl(project: string): string;
}

/** Of a resolved layout. */
export function createTargetLayout(layout: Layout): TargetLayout {
  return {
    name: layout.name,
    pageTarget: (project) => pageTarget(layout, project),
    fileTarget: (file) => fileTarget(layout, file),
    listTarget: layout.list,
    urls: (target, digests, consistent) => targetUrls(layout, target, digests, consistent),
    pageUrl: (project) => pageBaseUrl(layout, project) ?? layout.files.base,
  };
}
