import clsx from 'clsx';
import { Link } from 'react-router';
import type { Task } from '../state/tasks';

export function TaskCard({ task, onRemove }: { task: Task; onRemove: () => void }) {
  return (
    <li className={clsx('card', task.status)}>
      <Link to={`/tasks/${task.id}`}>{task.title}</Link>
      <button type="button" onClick={onRemove} aria-label={`Remove ${task.title}`}>×</button>
    </li>
  );
}
