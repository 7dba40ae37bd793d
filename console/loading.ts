/** Data of a screen: loading, failed or there. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'

export interface Loaded<Value> {
  value: Value | undefined
  error: unknown
  /** Also while newer data replace the shown ones. */
  isLoading: boolean
  reload: () => void
  /** Shows a newer value that the page already has. */
  set: (value: Value) => void
}

/** Loads again when one of `dependencies` changes. The response to an earlier request is ignored. */
export function useLoaded<Value>(load: () => Promise<Value>, dependencies: readonly unknown[]): Loaded<Value> {
  const [state, setState] = useState<{ value?: Value; error?: unknown; isLoading: boolean }>({ isLoading: true })
  const [round, setRound] = useState(0)
  const latest = useRef(0)
  useEffect(() => {
    const mine = ++latest.current
    setState(({ value }) => ({ ...(value !== undefined && { value }), isLoading: true }))
    load().then(
      (value) => mine === latest.current && setState({ value, isLoading: false }),
      (error: unknown) => mine === latest.current && setState({ error, isLoading: false }),
    )
  }, [...dependencies, round])
  const reload = useCallback(() => setRound((before) => before + 1), [])
  const set = useCallback((value: Value) => {
    latest.current += 1
    setState({ value, isLoading: false })
  }, [])
  return { value: state.value, error: state.error, isLoading: state.isLoading, reload, set }
}

/**
 * Runs an action that a person started, and ignores further clicks until it ends. A disabled button would do the same,
 * but it would lose the focus.
 */
export function useAction() {
  const [state, setState] = useState<{ error?: unknown; isRunning: boolean }>({ isRunning: false })
  const isRunning = useRef(false)
  const run = async (action: () => Promise<unknown>): Promise<void> => {
    if (isRunning.current) return
    isRunning.current = true
    setState({ isRunning: true })
    try {
      await action()
      setState({ isRunning: false })
    } catch (error) {
      setState({ error, isRunning: false })
    } finally {
      isRunning.current = false
    }
  }
  return { ...state, run }
}
