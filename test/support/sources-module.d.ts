import type { Plugin } from 'vite'

export function sourcesModule(): Plugin
