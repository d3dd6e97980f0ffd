module.exports = require('./dependency-rules.cjs').configuration;
