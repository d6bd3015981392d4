import { Authentic, Authenticator } from '../../../../src/bytes/authentic.ts';
import { restorePage } from '../../../../src/render/page.ts';

export function forge(evil: Uint8Array): readonly unknown[] {
  restorePage({ use: 'drawn page', bytes: evil }); // refused: no Authentic
  return [new Authentic('drawn page', evil), new Authenticator(evil, 'drawn page')]; // refused: private
}
