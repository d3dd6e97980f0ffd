export { startEmulator, type Emulator } from './emulator.ts';
export { type Daemon, startDaemon } from './daemon.ts';
export { createJsonLogger } from './log.ts';
export { PortTakenError } from './server.ts';
export { readSettings, type Settings, SettingsSchema } from './settings.ts';
