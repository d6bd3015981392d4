/** Who can be asked to choose from what is held. */
export const INSTALLERS = ['pip', 'uv'] as const;
export type Installer = (typeof INSTALLERS)[number];
