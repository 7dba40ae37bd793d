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

/** Loads again when one of `dependencies` changes. The answer to an earlier question is passed over. */
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

/** Runs an action that a person started. `run` returns whether it succeeded. */
export function useAction() {
  const [state, setState] = useState<{ error?: unknown; isRunning: boolean }>({ isRunning: false })
  const run = async (action: () => Promise<unknown>): Promise<boolean> => {
    setState({ isRunning: true })
    try {
      await action()
      setState({ isRunning: false })
      return true
    } catch (error) {
      setState({ error, isRunning: false })
      return false
    }
  }
  return { ...state, run }
}
