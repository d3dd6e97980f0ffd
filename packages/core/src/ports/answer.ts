/**
 * An answer that is there at once, or later. A store in memory answers at once: no promise is made and nobody waits. One
 * that asks somebody else returns a promise. Who asks awaits it, which is right for both.
 */
export type Answer<T> = T | Promise<T>;
