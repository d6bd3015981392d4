/**
 * Names how pages are drawn. Goes up whenever the same project page, pins and rules come to be drawn as other bytes: a body that an
 * earlier program drew is then drawn again. A test holds it to the bytes that are drawn of committed pages.
 */
export const RENDERER_VERSION = 3;
