export { createConfigDirectory } from './validate/config-directory.ts';
