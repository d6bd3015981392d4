import type { Bodies } from '../../../../src/render/bodies.ts';
import { Page } from '../../../../src/render/page.ts';

export function forge(evil: Bodies): readonly Page[] {
  const spread: Page = { ...evil }; // refused: no Page
  return [spread, new Page(evil, 1)]; // refused: private
}
