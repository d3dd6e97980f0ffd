export { loadPlugins, NO_PLUGINS, type Plugins } from './plugins/load-plugins.ts';
