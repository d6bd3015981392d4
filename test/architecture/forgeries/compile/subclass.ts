import { Authority } from '../../../../src/tuf/authority.ts';
import type { Root } from '../../../../src/tuf/model.ts';
import { Verified } from '../../../../src/tuf/verified.ts';

export class Nobody extends Authority {} // refused: private
export class Forged extends Verified<Root> {} // refused: private
