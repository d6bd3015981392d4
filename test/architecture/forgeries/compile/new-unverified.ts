import { UnverifiedDocument } from '../../../../src/bytes/unverified.ts';

export function forge(evil: Uint8Array): UnverifiedDocument {
  return new UnverifiedDocument({ bytes: evil, contentType: 'text/html', maxAge: 1 }); // refused: private
}
