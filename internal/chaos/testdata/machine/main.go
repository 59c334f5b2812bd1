// Machine says what time it is, and how long a write to a file and its sync take.
package main

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

func main() {
	began := time.Now()
	fd, err := syscall.Open(os.Args[1], syscall.O_CREAT|syscall.O_RDWR, 0o600)
	if err == nil {
		_, err = syscall.Pwrite(fd, []byte("x"), 0)
	}
	wrote := time.Now()
	if err == nil {
		err = syscall.Fsync(fd)
	}
	if err != nil {
		panic(err)
	}
	fmt.Println(began.Unix(), wrote.Sub(began).Milliseconds(), time.Since(wrote).Milliseconds())
}
