// A provisioner of volumes on one NFS share: each claim gets a folder of its own, and its pods mount that from the
// server. The library is Kubernetes' own, and so is the idea (nfs-subdir-external-provisioner), but that program is not
// released as a module.
package main

import (
	"context"
	"os"
	"path/filepath"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v11/controller"
)

// Where the share is mounted in the provisioner's own pod.
const mounted = "/share"

// The server and its share, as those who mount it name them.
type folders struct {
	server, path string
}

func (all folders) Provision(_ context.Context, asked controller.ProvisionOptions) (
	*v1.PersistentVolume, controller.ProvisioningState, error,
) {
	folder := filepath.Join(mounted, asked.PVName)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	// Whoever a pod runs as may write, whatever the umask took away.
	if err := os.Chmod(folder, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: asked.PVName},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *asked.StorageClass.ReclaimPolicy,
			AccessModes:                   asked.PVC.Spec.AccessModes,
			MountOptions:                  asked.StorageClass.MountOptions,
			Capacity: v1.ResourceList{
				v1.ResourceStorage: asked.PVC.Spec.Resources.Requests[v1.ResourceStorage],
			},
			PersistentVolumeSource: v1.PersistentVolumeSource{
				NFS: &v1.NFSVolumeSource{Server: all.server, Path: filepath.Join(all.path, asked.PVName)},
			},
		},
	}, controller.ProvisioningFinished, nil
}

func (all folders) Delete(_ context.Context, volume *v1.PersistentVolume) error {
	return os.RemoveAll(filepath.Join(mounted, volume.Name))
}

func main() {
	ctx := context.Background()
	config, err := rest.InClusterConfig()
	if err != nil {
		klog.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		klog.Fatal(err)
	}
	all := folders{server: os.Getenv("NFS_SERVER"), path: os.Getenv("NFS_PATH")}
	// One alone runs: it need not be elected.
	run := controller.NewProvisionController(
		ctx, client, os.Getenv("PROVISIONER_NAME"), all, controller.LeaderElection(false),
	)
	run.Run(ctx)
}
