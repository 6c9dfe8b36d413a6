import { createContext, useContext, useReducer, type Dispatch, type ReactNode } from 'react';

export type Status = 'todo' | 'doing' | 'done';
export interface Task { id: number; title: string; note: string; status: Status }

type Action =
  | { type: 'add'; title: string; note: string }
  | { type: 'move'; id: number; status: Status }
  | { type: 'remove'; id: number };

const START: Task[] = [
  { id: 1, title: 'Order paint', note: 'Two litres of blue.', status: 'todo' },
  { id: 2, title: 'Sand the hull', note: 'Start at the bow.', status: 'doing' },
  { id: 3, title: 'Check the lines', note: '', status: 'done' },
];

function reducer(tasks: Task[], action: Action): Task[] {
  switch (action.type) {
    case 'add':
      return [...tasks, { id: Math.max(0, ...tasks.map((t) => t.id)) + 1, title: action.title, note: action.note, status: 'todo' }];
    case 'move':
      return tasks.map((t) => (t.id === action.id ? { ...t, status: action.status } : t));
    case 'remove':
      return tasks.filter((t) => t.id !== action.id);
  }
}

const TasksContext = createContext<{ tasks: Task[]; dispatch: Dispatch<Action> }>({ tasks: START, dispatch: () => {} });

export function TasksProvider({ children }: { children: ReactNode }) {
  const [tasks, dispatch] = useReducer(reducer, START);
  return <TasksContext.Provider value={{ tasks, dispatch }}>{children}</TasksContext.Provider>;
}

export const useTasks = () => useContext(TasksContext);
